import { mkdir, realpath, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Logger } from 'pino';

import { type Account, chooseAccount, giveTo } from './embedded/account.js';
import { findBinaries } from './embedded/binaries.js';
import { bringUp, type Server } from './embedded/bring-up.js';
import { prepareCluster } from './embedded/cluster.js';
import { type Postmaster, shutDown, shutDownWithin, untilLost } from './embedded/postmaster.js';
import { ensureDatabase } from './embedded/session.js';
import { postgresUrl } from './embedded/url.js';
import { openRuntimeDir } from '../host/runtime-dir.js';

/** A PostgreSQL server of our own, kept running until it is stopped. */
export interface EmbeddedPostgres {
  /** The address of its database `murmur`, for `pg` and whatever else reads PostgreSQL URLs. */
  readonly url: string;
  /** Ends all sessions, writes everything down and waits until the server is gone, or for so long. */
  stop(patienceMs?: number): Promise<void>;
}

/** Where an embedded server lives and what it tells. */
export interface EmbeddedOptions {
  /** Its files go in `postgres` and `postgres.log` in here. The caller holds the data dir's lock. */
  readonly dataDir: string;
  readonly log: Logger;
  /** PostgreSQL settings for special cases, such as `fsync=off` in tests. */
  readonly settings?: readonly string[];
  /** Who it runs as; found by trying unless given. */
  readonly account?: Account;
}

/**
 * Starts the PostgreSQL that came with Murmur, or adopts the one an earlier server process left running on this data dir,
 * and restarts it whenever it ends before `stop`. It listens on a Unix socket only.
 *
 * Throws FAILED_PRECONDITION when the data is another major version's, or the server cannot run here.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const dataDir = await realpath(options.dataDir);
  const binaries = await findBinaries();
  const account = options.account ?? (await chooseAccount());
  const server: Server = {
    cluster: await prepareCluster(dataDir, binaries, account),
    socketDir: await openSocketDir(dataDir, account),
    logFile: path.join(dataDir, 'postgres.log'),
    binaries,
    account,
    settings: options.settings ?? [],
    log: options.log,
  };
  const postmaster = await startOnce(server);
  const stopping = new AbortController();
  const supervised = supervise(server, postmaster, stopping.signal);
  let stopped: Promise<void> | undefined;
  return {
    url: postgresUrl(server.socketDir, 'murmur'),
    stop: (patienceMs) => (stopped ??= stop(server, stopping, supervised, patienceMs)),
  };
}

async function startOnce(server: Server): Promise<Postmaster> {
  try {
    const postmaster = await bringUp(server);
    await ensureDatabase(server.socketDir);
    return postmaster;
  } catch (error) {
    await removeIfEmpty(server.socketDir);
    throw error;
  }
}

/** Another account cannot enter the runtime dir, which holds other sockets too, and gets a folder of its own beside it. */
async function openSocketDir(dataDir: string, account: Account): Promise<string> {
  const runtimeDir = await openRuntimeDir(dataDir);
  if (account.kind !== 'other-user') return runtimeDir;
  const own = `${runtimeDir}-${account.uid}`;
  await mkdir(own, { recursive: true, mode: 0o700 });
  await giveTo(account, own);
  await removeIfEmpty(runtimeDir);
  return own;
}

/** Keeps the server running; resolves with the last postmaster once told to stop. */
async function supervise(server: Server, first: Postmaster, stopping: AbortSignal): Promise<Postmaster> {
  let postmaster = first;
  let backoff = 100;
  for (;;) {
    const since = performance.now();
    let lost: 'ended' | 'out of reach' = 'ended';
    const watch = async () => {
      lost = await untilLost(postmaster, server.socketDir, stopping);
    };
    try {
      if (await interrupted(watch(), stopping)) return postmaster;
    } catch (err) {
      // Such as no free file descriptor to look with. The server itself may be well.
      server.log.error({ err, pid: postmaster.pid }, 'PostgreSQL could not be watched; trying again');
      if (await interrupted(delay(1_000, undefined, { signal: stopping }), stopping)) return postmaster;
      continue;
    }
    backoff = performance.now() - since > 60_000 ? 100 : Math.min(backoff * 2, 10_000);
    server.log.error({ pid: postmaster.pid, lost }, 'PostgreSQL ended by itself, or its socket was removed; restarting it');
    if (await interrupted(delay(backoff, undefined, { signal: stopping }), stopping)) return postmaster;
    try {
      // Somebody may have removed the folder with the socket.
      await openSocketDir(path.dirname(server.cluster), server.account);
      postmaster = await bringUp(server);
    } catch (err) {
      server.log.error({ err }, 'PostgreSQL could not be restarted; trying again');
    }
  }
}

async function interrupted(wait: Promise<void>, signal: AbortSignal): Promise<boolean> {
  try {
    await wait;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return signal.aborted;
}

async function stop(server: Server, stopping: AbortController, supervised: Promise<Postmaster>, patienceMs?: number): Promise<void> {
  stopping.abort();
  const postmaster = await supervised;
  if (patienceMs === undefined) await shutDown(postmaster);
  else if (!(await shutDownWithin(patienceMs, postmaster, server.cluster))) {
    server.log.warn({ pid: postmaster.pid }, 'PostgreSQL still writes everything down, and ends by itself');
    return;
  }
  await removeIfEmpty(server.socketDir);
}

/** Other sockets of this data dir may still be in it. */
async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'ENOENT'))) throw error;
  }
}
