import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { pino } from 'pino';
import { pack } from 'tar-fs';

import { runOnHost } from '../host-command.js';
import { makeBusyboxRoot } from '../testing/busybox-root.js';
import { connectEngine } from './engine.js';

const readyMs = 60_000;

/** What most tests open the substrate with. Their engine's network is its own, and nothing of the host has to be kept from it. */
export const openParts = { installation: 'test', reach: 'any', log: pino({ level: 'silent' }) } as const;

/** A Docker Engine of a test's own, with data, socket and processes apart from any other on the host. */
export interface TestEngine extends AsyncDisposable {
  readonly socket: string;
  /** A folder that goes with the engine. */
  readonly folder: string;
  /** Where the engine keeps its data. */
  readonly dataRoot: string;
  /** A busybox image in it, by id. */
  readonly base: string;
  /** The process whose network is the engine's. */
  pid(): number;
  /** Ends the engine, by SIGTERM as a restart does or by SIGKILL; its containers go with it. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
}

/** Starts an engine with one tiny base image, and on request no more room for its data than this. */
export async function startTestEngine({ dataMegabytes }: { readonly dataMegabytes?: number } = {}): Promise<TestEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'murmur-docker-'));
  const socket = join(folder, 'docker.sock');
  const dataRoot = join(folder, 'data');
  if (dataMegabytes !== undefined) {
    await mkdir(dataRoot);
    await runOnHost('mount', ['-t', 'tmpfs', '-o', `size=${dataMegabytes}m`, 'murmur', dataRoot]);
  }
  let running: { pid: number | undefined; stop(signal: NodeJS.Signals): Promise<void> } | undefined;

  const startOnce = async (): Promise<Error | undefined> => {
    const engine = spawn(
      'unshare',
      [
        // In a network of its own: an engine without a bridge removes the one that the host's own engine stands on.
        ...['--net', 'sh', '-c', 'busybox ip link set lo up; exec dockerd "$@"', 'dockerd'],
        ...['--data-root', dataRoot, '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'docker.pid')],
        // The tests' containers need no network, and not every machine can give them one.
        ...['--host', `unix://${socket}`, '--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
    );
    let log = '';
    engine.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
    let ended = false;
    const end = new Promise<void>((resolve) => engine.once('close', () => ((ended = true), resolve())));
    engine.once('error', (error) => ((ended = true), (log += error.message)));
    running = {
      pid: engine.pid,
      async stop(signal) {
        if (engine.pid !== undefined && !ended) process.kill(engine.pid, signal);
        await end;
      },
    };
    for (const limit = Date.now() + readyMs; ; await delay(100)) {
      try {
        await connectEngine(socket);
        return undefined;
      } catch (error) {
        if (ended || Date.now() > limit) return new Error(`dockerd did not start:\n${log}`, { cause: error });
      }
    }
  };
  /** An engine gives up when its containerd takes more than seconds to start, which happens on a busy machine. */
  const start = async () => {
    for (let left = 2; ; left -= 1) {
      const problem = await startOnce();
      if (problem === undefined) return;
      await running?.stop('SIGKILL');
      if (left === 0) throw problem;
    }
  };

  await start();
  const base = await importBusybox(folder, socket);
  return {
    socket,
    folder,
    dataRoot,
    base,
    pid() {
      if (running?.pid === undefined) throw new Error('the engine does not run');
      return running.pid;
    },
    start,
    stop: async (signal = 'SIGTERM') => running?.stop(signal),
    async [Symbol.asyncDispose]() {
      const { docker } = await connectEngine(socket);
      for (const { Id } of await docker.listContainers({ all: true })) await docker.getContainer(Id).remove({ force: true });
      await running?.stop('SIGTERM');
      await unmountBelow(folder);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The host's busybox as an image. */
async function importBusybox(folder: string, socket: string): Promise<string> {
  const root = join(folder, 'root');
  await makeBusyboxRoot(root);
  const { docker } = await connectEngine(socket);
  await docker.importImage(pack(root), { repo: 'tiny', changes: ['ENV TINY=yes', 'USER murmur', 'WORKDIR /tmp', 'CMD ["sh"]'] });
  const { Id } = await docker.getImage('tiny').inspect();
  return Id;
}

/** An engine that was killed leaves its mounts. */
async function unmountBelow(folder: string): Promise<void> {
  const points = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const point of points.filter((path) => path.startsWith(`${folder}/`)).toReversed()) await runOnHost('umount', ['-l', point]);
}
