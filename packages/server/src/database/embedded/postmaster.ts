import { readFile, readdir, readlink, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { isGone, isThere, processStart, processState } from '../../host/process-start.js';

/** PostgreSQL's first process, the one whose end is the server's end. */
export interface Postmaster {
  readonly pid: number;
  /** As {@link processStart} gives it: the id alone may be somebody else's by now. */
  readonly start: string;
}

/** What the cluster's own `postmaster.pid` says. It may be stale. */
export interface PidFile {
  readonly pid: number;
  /** Whether the server had come up when it was last written. */
  readonly ready: boolean;
}

/** Reads the cluster's pid file; undefined when there is none. */
export async function readPidFile(cluster: string): Promise<PidFile | undefined> {
  try {
    const lines = (await readFile(path.join(cluster, 'postmaster.pid'), 'utf8')).split('\n');
    const pid = Number(lines[0]);
    return Number.isSafeInteger(pid) && pid > 0 ? { pid, ready: lines[7]?.trim() === 'ready' } : undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Whether this very process still runs. */
export async function isAlive(postmaster: Postmaster): Promise<boolean> {
  return (await processStart(postmaster.pid)) === postmaster.start;
}

/**
 * Resolves when the process has ended, or when its socket was removed, so that nobody reaches it any more; or rejects with the
 * signal's reason. Watching does not keep our own process from ending.
 */
export async function untilLost(postmaster: Postmaster, socketDir: string, signal: AbortSignal): Promise<'ended' | 'out of reach'> {
  for (;;) {
    if (!(await isAlive(postmaster))) return 'ended';
    if (!(await isThere(path.join(socketDir, '.s.PGSQL.5432')))) return 'out of reach';
    await delay(250, undefined, { ref: false, signal });
  }
}

/**
 * Stops the server in order: first it ends all sessions and writes a checkpoint; if that takes too long it drops
 * everything and will recover from its log next time. Resolves once the process is gone.
 */
export async function shutDown(postmaster: Postmaster): Promise<void> {
  for (const [signal, patience] of [
    ['SIGINT', 30_000],
    ['SIGQUIT', 10_000],
    ['SIGKILL', 10_000],
  ] as const) {
    if (await endsBy(postmaster, signal, patience)) return;
  }
  throw new Error(`PostgreSQL, process ${postmaster.pid}, does not end`);
}

/**
 * As {@link shutDown}, but for whoever cannot wait: a server that somebody has stopped is killed, and one that has a lot to write is
 * left to end by itself, which the next start waits for. Says whether it is gone.
 */
export async function shutDownWithin(patienceMs: number, postmaster: Postmaster, cluster: string): Promise<boolean> {
  if ((await processState(postmaster.pid)) !== 'T') return endsBy(postmaster, 'SIGINT', patienceMs);
  const all = await processesIn(cluster);
  const ended = await endsBy(postmaster, 'SIGKILL', patienceMs);
  // Stopped as it was, none of them sees that it is gone.
  for (const pid of all) sendTo(pid, 'SIGKILL');
  return ended;
}

async function endsBy(postmaster: Postmaster, signal: NodeJS.Signals, patience: number): Promise<boolean> {
  if (!(await isAlive(postmaster))) return true;
  sendTo(postmaster.pid, signal);
  return within(patience, async (limit) => {
    while (await isAlive(postmaster)) await delay(20, undefined, { signal: limit });
  });
}

/**
 * Clears what a postmaster that was killed left behind: its children, which end by themselves within moments, and the pid
 * files of cluster and socket. Their number may belong to another process by now, or to a zombie, and PostgreSQL would take
 * either for a running server.
 */
export async function clearRemains(cluster: string, socketDir: string): Promise<void> {
  // Without /proc there is no telling whose the number is; PostgreSQL's own check has to do.
  if (process.platform !== 'linux') return;
  const allGone = async (limit: AbortSignal): Promise<void> => {
    while ((await processesIn(cluster)).length > 0) await delay(20, undefined, { signal: limit });
  };
  if (!(await within(10_000, allGone))) {
    for (const pid of await processesIn(cluster)) sendTo(pid, 'SIGKILL');
    if (!(await within(10_000, allGone))) throw new Error(`processes of a PostgreSQL that was killed stay in ${cluster}`);
  }
  await rm(path.join(cluster, 'postmaster.pid'), { force: true });
  await rm(path.join(socketDir, '.s.PGSQL.5432.lock'), { force: true });
}

/** The processes that work in this cluster: PostgreSQL's change to its folder and stay there. */
export async function processesIn(cluster: string): Promise<number[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(ids.map(async (id) => ((await workingFolder(id)) === cluster ? [Number(id)] : [])));
  return found.flat();
}

async function workingFolder(id: string): Promise<string | undefined> {
  try {
    return await readlink(`/proc/${id}/cwd`);
  } catch (error) {
    // Gone, or another user's and so not ours.
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

function sendTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

async function within(milliseconds: number, work: (limit: AbortSignal) => Promise<void>): Promise<boolean> {
  const limit = AbortSignal.timeout(milliseconds);
  try {
    await work(limit);
    return true;
  } catch (error) {
    if (limit.aborted) return false;
    throw error;
  }
}
