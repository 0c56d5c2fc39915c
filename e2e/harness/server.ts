import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

import { machinesOf } from './machines.js';

/** The built command line, as users start it. */
export const murmurBinary = resolve(import.meta.dirname, '../../bin/murmur');

/** A real `murmur server` in a folder of its own. */
export interface TestServer {
  readonly dataDir: string;
  /** Changes with every start at a free port. */
  readonly url: string;
  readonly apiKey: string;
  readonly pid: number;
  /** The PostgreSQL it was given; undefined when it has its own. */
  readonly databaseUrl: string | undefined;
  /** The server's own log so far. */
  log(): Promise<string>;
  /** SIGKILL, as a crash or the kernel would. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit status. */
  stop(): Promise<number | null>;
  /** Starts it again on the same data, at a free port unless `HOST:PORT` is given. */
  start(listen?: string): Promise<void>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** How a server is started. */
export interface ServerChoices {
  /** A PostgreSQL of several servers; its own unless given. */
  readonly databaseUrl?: string;
  /** The server whose master key this one shares; it makes its own unless given. */
  readonly keyOf?: TestServer;
  /** The most files it may have open. */
  readonly openFiles?: number;
  /** The server, stopped, whose data it is started on, and which of that there is: as after a restore from a backup. */
  readonly restored?: { readonly of: TestServer; readonly names: readonly string[] };
  /** What its `server.yaml` says. */
  readonly configuration?: string;
  /** What it may not do although it is root, such as `net_admin`. */
  readonly without?: string;
  /** What its environment has beside that of the tests. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a server on a free port. */
export async function startServer(choices: ServerChoices = {}): Promise<TestServer> {
  const { configuration, databaseUrl, environment, keyOf, openFiles, restored, without } = choices;
  const dataDir = await mkdtemp(join(tmpdir(), 'murmur-e2e-'));
  if (keyOf !== undefined) await copyFile(join(keyOf.dataDir, 'master.key'), join(dataDir, 'master.key'));
  for (const name of restored?.names ?? []) await cp(join(restored?.of.dataDir ?? '', name), join(dataDir, name), { recursive: true });
  if (configuration !== undefined) await writeFile(join(dataDir, 'server.yaml'), configuration, { mode: 0o600 });
  const onDatabase = databaseUrl === undefined ? [] : ['--database-url', databaseUrl];
  const logFile = join(dataDir, 'server.log');
  let child: ChildProcess | undefined;
  let exited: Promise<number | null> = Promise.resolve(null);
  let url = '';

  const start = async (listen = '127.0.0.1:0'): Promise<void> => {
    const privileges = without === undefined ? [] : ['setpriv', '--bounding-set', `-${without}`];
    const command = [...privileges, process.execPath, murmurBinary, 'server', '--listen', listen, '--data-dir', dataDir, ...onDatabase];
    const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles} && `;
    const env = { ...process.env, ...environment };
    const started = spawn('sh', ['-c', `${limit}exec "$@"`, 'sh', ...command], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    started.stderr.pipe(createWriteStream(logFile, { flags: 'a' }));
    exited = new Promise((settle) => started.once('exit', (code) => settle(code)));
    const ready = new Promise<string>((settle) => {
      createInterface({ input: started.stdout }).once('line', settle);
    });
    const line = await Promise.race([ready, exited.then((code) => `exited with ${String(code)}`)]);
    const match = /^murmur server listening on (http:\/\/\S+)$/.exec(line);
    if (match?.[1] === undefined) throw new Error(`the server did not start: ${line}\n${await readFile(logFile, 'utf8')}`);
    url = match[1];
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child?.kill(signal);
    return exited;
  };

  await start();
  const apiKey = (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim();
  return {
    dataDir,
    databaseUrl,
    get url() {
      return url;
    },
    apiKey,
    get pid() {
      return child?.pid ?? 0;
    },
    log: () => readFile(logFile, 'utf8'),
    async kill() {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
    start,
    async remove() {
      await end('SIGTERM');
      // A server that stops leaves its machines running, and a test that failed may have left some.
      for (const { pid } of await machinesOf(dataDir)) endProcess(pid);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
