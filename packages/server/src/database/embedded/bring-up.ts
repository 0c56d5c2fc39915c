import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rename, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { MurmurError } from '@murmur/api';
import type { Logger } from 'pino';

import { isGone, processStart } from '../../host/process-start.js';
import { type Account, commandAs } from './account.js';
import type { Binaries } from './binaries.js';
import { clearRemains, isAlive, type Postmaster, readPidFile, shutDown } from './postmaster.js';
import { postgresEnvironment } from './run.js';
import { ask } from './session.js';

/** A cluster and how to run a server on it. */
export interface Server {
  readonly cluster: string;
  readonly socketDir: string;
  readonly logFile: string;
  readonly binaries: Binaries;
  readonly account: Account;
  /** Settings beyond the fixed ones, such as `fsync=off` for a server that only tests use. */
  readonly settings: readonly string[];
  readonly log: Logger;
}

/** Recovery after a crash replays the log; with our sizes that takes seconds, on a slow disk a minute. */
const patience = 180_000;
const logLimit = 8 * 1024 * 1024;

/** Adopts the server that already runs on this cluster, or starts one; resolves when it takes sessions. */
export async function bringUp(server: Server): Promise<Postmaster> {
  return (await adopt(server)) ?? (await start(server));
}

async function adopt(server: Server): Promise<Postmaster | undefined> {
  const deadline = performance.now() + patience;
  let postmaster = await runningPostmaster(server);
  while (postmaster !== undefined && performance.now() < deadline) {
    if (!(await isAlive(postmaster))) break;
    const answer = await ask(server.socketDir, server.cluster);
    if (answer === 'ready') {
      if (await hasOurSettings(server, postmaster)) {
        server.log.info({ pid: postmaster.pid }, 'adopted the running PostgreSQL');
        return postmaster;
      }
      server.log.info({ pid: postmaster.pid }, 'the running PostgreSQL has other settings; restarting it');
      break;
    }
    // It came up, and yet nobody answers: its socket was removed, or it hangs.
    if (answer === 'no server' && (await readPidFile(server.cluster))?.ready === true) break;
    await delay(20);
    postmaster = (await runningPostmaster(server)) ?? postmaster;
  }
  if (postmaster !== undefined) await shutDown(postmaster);
  await clearRemains(server.cluster, server.socketDir);
  return undefined;
}

/** The live postmaster of this cluster. A number in the pid file is believed only if that process is a PostgreSQL at work here. */
async function runningPostmaster(server: Server): Promise<Postmaster | undefined> {
  const file = await readPidFile(server.cluster);
  if (file === undefined) return undefined;
  const begun = await processStart(file.pid);
  if (begun === undefined) return undefined;
  const args = await commandLine(file.pid);
  if (args !== undefined && !args.includes(server.cluster)) return undefined;
  return { pid: file.pid, start: begun };
}

async function hasOurSettings(server: Server, postmaster: Postmaster): Promise<boolean> {
  const args = await commandLine(postmaster.pid);
  return args === undefined || args.join('\n') === [server.binaries.postgres, ...argumentsOf(server)].join('\n');
}

async function commandLine(pid: number): Promise<string[] | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function argumentsOf(server: Server): string[] {
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${server.socketDir}`,
    'unix_socket_permissions=0700',
    'max_connections=200',
    'timezone=UTC',
    'log_timezone=UTC',
    // Compiling pays off for long analyses only.
    'jit=off',
    // Not read by PostgreSQL itself; a server of an older release is not adopted.
    `murmur.postgres=${server.binaries.version}`,
    ...server.settings,
  ];
  return ['-D', server.cluster, ...settings.flatMap((setting) => ['-c', setting])];
}

async function start(server: Server): Promise<Postmaster> {
  const child = await spawnDetached(server);
  const pid = child.pid;
  const begun = await processStart(pid);
  const deadline = performance.now() + patience;
  if (begun !== undefined) {
    const postmaster = { pid, start: begun };
    while (performance.now() < deadline && (await isAlive(postmaster))) {
      if ((await ask(server.socketDir, server.cluster)) === 'ready') {
        server.log.info({ pid }, 'started PostgreSQL');
        return postmaster;
      }
      await delay(20);
    }
    await shutDown(postmaster);
  }
  throw new MurmurError('FAILED_PRECONDITION', `PostgreSQL does not start on ${server.cluster}: ${await lastWords(server.logFile)}`, {
    hint: `Its log is ${server.logFile}.`,
  });
}

/** In a session of its own and with its output in a file, so that it outlives us and our terminal. */
async function spawnDetached(server: Server): Promise<{ pid: number }> {
  await rotate(server.logFile);
  const output = await open(server.logFile, 'a', 0o600);
  try {
    const command = commandAs(server.account, server.binaries.postgres, argumentsOf(server));
    const child = spawn(command.file, command.args, {
      ...command.options,
      cwd: '/',
      detached: true,
      env: postgresEnvironment,
      stdio: ['ignore', output.fd, output.fd],
    });
    await once(child, 'spawn');
    child.unref();
    if (child.pid === undefined) throw new Error('a spawned process has an id');
    return { pid: child.pid };
  } finally {
    await output.close();
  }
}

async function rotate(logFile: string): Promise<void> {
  try {
    if ((await stat(logFile)).size > logLimit) await rename(logFile, `${logFile}.1`);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

async function lastWords(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n');
  return lines.findLast((line) => /FATAL|PANIC|ERROR/.test(line)) ?? lines.at(-1) ?? 'it said nothing';
}
