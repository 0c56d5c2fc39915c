import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { build } from 'esbuild';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { type EmbeddedOptions, type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.js';
import { isAlive, processesIn, readPidFile } from './embedded/postmaster.js';
import { processStart } from '../host/process-start.js';
import { openRuntimeDir } from '../host/runtime-dir.js';

const log = pino({ level: 'silent' });
const asRoot = process.getuid?.() === 0;

/** A program that starts the server on the data dir it is given, says `ready`, and stays. */
const program = `
  import { pino } from 'pino';
  import { startEmbeddedPostgres } from './embedded.js';
  const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '', log: pino({ level: 'silent' }) });
  process.stdout.write('ready');
  setInterval(() => postgres, 60_000);`;

describe.skipIf(process.platform !== 'linux')('embedded PostgreSQL', () => {
  let folder: string;
  let dataDir: string;
  let running: EmbeddedPostgres[] = [];
  let children: ChildProcess[] = [];
  let programFile: string;
  let programDir: string;

  beforeAll(async () => {
    programDir = await mkdtemp(path.join(tmpdir(), 'murmur-program-'));
    programFile = path.join(programDir, 'program.cjs');
    await build({
      stdin: {
        contents: `(async () => { ${program.replaceAll(/import (\{.*\}) from '(.*)';/g, "const $1 = await import('$2');")} })()`,
        resolveDir: import.meta.dirname,
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      conditions: ['source'],
      external: ['pg-native'],
      define: { 'import.meta.url': JSON.stringify(import.meta.url) },
      outfile: programFile,
      logLevel: 'error',
    });
  });
  afterAll(() => rm(programDir, { recursive: true }));

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'murmur-embedded-'));
    dataDir = path.join(folder, 'data');
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const postgres of running) await postgres.stop();
    children = [];
    running = [];
    await rm(folder, { recursive: true });
  });

  const cluster = () => path.join(dataDir, 'postgres');
  const start = async (options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedPostgres> => {
    const postgres = await startEmbeddedPostgres({ dataDir, log, ...options });
    running.push(postgres);
    return postgres;
  };
  const startChild = (): ChildProcess => {
    const child = spawn(process.execPath, [programFile, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  };
  const startReadyChild = async (): Promise<ChildProcess> => {
    const child = startChild();
    if (child.stdout === null) throw new Error('the child writes to a pipe');
    await once(child.stdout, 'data');
    return child;
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  const postmasterPid = async (): Promise<number> => {
    const file = await readPidFile(cluster());
    if (file === undefined) throw new Error('no pid file');
    return file.pid;
  };
  const query = async (url: string, text: string): Promise<unknown> => {
    const client = new pg.Client({ connectionString: url });
    // A server that is killed in mid-query reports it twice.
    client.on('error', (error) => log.info(error));
    await client.connect();
    try {
      return (await client.query({ text, rowMode: 'array' })).rows[0]?.[0];
    } finally {
      await client.end();
    }
  };

  test('a first start makes a private server with a database named murmur', async () => {
    const { url } = await start();
    expect(await query(url, 'select current_database()')).toBe('murmur');
    expect(await query(url, 'select current_user')).toBe('murmur');
    expect(await query(url, 'show listen_addresses')).toBe('');
    expect(await query(url, 'show fsync')).toBe('on');
    expect(await query(url, 'show server_encoding')).toBe('UTF8');
    expect(await query(url, `select 'Z' < 'a' and upper('é') = 'É'`)).toBe(true);
    expect((await stat(cluster())).mode & 0o777).toBe(0o700);
    const sockets = await openRuntimeDir(dataDir);
    expect((await stat(sockets)).mode & 0o777).toBe(0o700);
    expect(url).toContain(sockets);
  });

  test('a stopped server leaves no process and no socket, and the next start finds the data', async () => {
    const first = await start();
    await query(first.url, 'create table kept as select 42 as answer');
    const sockets = await openRuntimeDir(dataDir);
    await first.stop();
    expect(await processesIn(cluster())).toEqual([]);
    await expect(stat(sockets)).rejects.toThrow('ENOENT');
    const second = await start();
    expect(await query(second.url, 'select answer from kept')).toBe(42);
  });

  test('a data dir with a long path works', async () => {
    dataDir = path.join(folder, 'd'.repeat(120), 'e'.repeat(60));
    const { url } = await start();
    expect(await query(url, 'select 1')).toBe(1);
  });

  test('after a kill -9 of Murmur, the next start adopts the server that went on running', async () => {
    const child = await startReadyChild();
    const before = await postmasterPid();
    await kill(child);
    const postgres = await start();
    expect(await postmasterPid()).toBe(before);
    expect(await query(postgres.url, 'select 1')).toBe(1);
    await postgres.stop();
    expect(await processesIn(cluster())).toEqual([]);
  });

  test('a server that runs with other settings is restarted instead of adopted', async () => {
    await kill(await startReadyChild());
    const before = await postmasterPid();
    const { url } = await start({ settings: ['work_mem=7MB'] });
    expect(await postmasterPid()).not.toBe(before);
    expect(await query(url, 'show work_mem')).toBe('7MB');
  });

  test('a server whose socket was removed is restarted', async () => {
    await kill(await startReadyChild());
    const before = await postmasterPid();
    await rm(await openRuntimeDir(dataDir), { recursive: true });
    const { url } = await start();
    expect(await postmasterPid()).not.toBe(before);
    expect(await query(url, 'select 1')).toBe(1);
  });

  test('a server whose socket is removed while Murmur runs is restarted, and its folder made again', async () => {
    const { url } = await start();
    const before = await postmasterPid();
    await rm(await openRuntimeDir(dataDir), { recursive: true });
    await expect.poll(() => query(url, 'select 1').catch(String), { timeout: 60_000 }).toBe(1);
    expect(await postmasterPid()).not.toBe(before);
  });

  test('after a kill -9 of both, the next start recovers', async () => {
    const child = await startReadyChild();
    const postmaster = await postmasterPid();
    await kill(child);
    process.kill(postmaster, 'SIGKILL');
    const { url } = await start();
    expect(await postmasterPid()).not.toBe(postmaster);
    expect(await query(url, 'select 1')).toBe(1);
  });

  test('a stale pid file whose number now belongs to another process does no harm', async () => {
    const first = await start();
    const pidFile = await readFile(path.join(cluster(), 'postmaster.pid'), 'utf8');
    await first.stop();
    const bystander = spawn('sleep', ['600'], { stdio: 'ignore' });
    children.push(bystander);
    await once(bystander, 'spawn');
    await writeFile(path.join(cluster(), 'postmaster.pid'), pidFile.replace(/^\d+/, String(bystander.pid)));
    const { url } = await start();
    expect(await query(url, 'select 1')).toBe(1);
    expect(await processStart(bystander.pid ?? 0)).toBeDefined();
  });

  test('a server that dies while Murmur runs is started again', async () => {
    const { url } = await start();
    const pid = await postmasterPid();
    const postmaster = { pid, start: (await processStart(pid)) ?? '' };
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => isAlive(postmaster), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => query(url, 'select 1').catch(String), { timeout: 30_000 }).toBe(1);
    expect(await postmasterPid()).not.toBe(pid);
  });

  test('a first start that was killed in the middle is begun afresh', async () => {
    await mkdir(dataDir);
    const child = startChild();
    await expect
      .poll(async () => (await readdir(dataDir)).some((name) => name.includes('unfinished')), { interval: 5, timeout: 50_000 })
      .toBe(true);
    await kill(child);
    expect(await readdir(dataDir)).not.toContain('postgres');
    const { url } = await start();
    expect(await query(url, 'select 1')).toBe(1);
    expect((await readdir(dataDir)).toSorted()).toEqual(['postgres', 'postgres.log']);
  });

  test('data of another major version is refused and left as it is', async () => {
    await mkdir(cluster(), { recursive: true });
    await writeFile(path.join(cluster(), 'PG_VERSION'), '15\n');
    await expect(start()).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: `${cluster()} was made by PostgreSQL 15, and this Murmur brings PostgreSQL 18`,
    });
    expect(await readdir(cluster())).toEqual(['PG_VERSION']);
  });

  test('a folder with something else in it is refused', async () => {
    await mkdir(cluster(), { recursive: true });
    await writeFile(path.join(cluster(), 'letters.txt'), 'dear');
    await expect(start()).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: `${cluster()} is not a PostgreSQL data directory`,
    });
  });

  test('a server that cannot start says why', async () => {
    await expect(start({ settings: ['shared_buffers=nonsense'] })).rejects.toThrow('invalid value for parameter "shared_buffers"');
  });

  describe.skipIf(!asRoot)('where user namespaces are forbidden', () => {
    const account = { kind: 'other-user', uid: 65_534, gid: 65_534 } as const;

    test('root’s server runs as another user, and later in a namespace on the same data', async () => {
      dataDir = await mkdtemp('/tmp/murmur-open-');
      const other = await start({ account });
      await query(other.url, 'create table kept as select 42 as answer');
      expect((await stat(`/proc/${await postmasterPid()}`)).uid).toBe(65_534);
      await other.stop();
      const own = await start();
      expect(await query(own.url, 'select answer from kept')).toBe(42);
      await own.stop();
      const again = await start({ account });
      expect(await query(again.url, 'select answer from kept')).toBe(42);
      await again.stop();
      await rm(dataDir, { recursive: true });
    });

    test('a data dir below a private folder is refused with the reason', async () => {
      await expect(start({ account })).rejects.toThrow('user namespaces are forbidden here, and user 65534 cannot reach');
    });
  });
});
