import { createHash, randomUUID } from 'node:crypto';
import { link, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { MurmurError } from '@murmur/api';

import { bootId } from './boot-id.js';
import { makeFolder } from './make-folder.js';
import { isGone, processStart } from './process-start.js';

/** The right to use a data dir, held until it is released or this process ends. */
export interface DataDirLock {
  /** Lets the next server in. Calling it again is harmless. */
  release(): Promise<void>;
}

/** What a lock file says about its holder. */
interface Holder {
  readonly pid: number;
  readonly start: string;
  readonly host: string;
  /** Changes with every boot of the machine, after which process ids mean nothing. */
  readonly boot: string;
  readonly since: string;
  /** Tells this lock from every other, so that its file's content names it. */
  readonly id: string;
}

/**
 * Claims the data dir for this process through `<dataDir>/server.lock`, making the folder (mode 0700) where it is missing.
 * A lock whose holder has ended is taken over, by exactly one of any number of servers that try.
 *
 * Throws FAILED_PRECONDITION naming the holder when another live server has it, and for a folder that cannot be made or written.
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const file = await lockIn(dataDir).catch((cause: unknown) => {
    if (cause instanceof MurmurError || !(cause instanceof Error)) throw cause;
    throw new MurmurError('FAILED_PRECONDITION', `data directory ${dataDir} cannot be used: ${cause.message}`, {
      cause,
      hint:
        'code' in cause && cause.code === 'ENOSPC'
          ? 'Make some space on its disk: 100 MiB are enough for a server to start and clean up.'
          : 'Choose another `--data-dir`, or make this one yours.',
    });
  });
  let released: Promise<void> | undefined;
  return { release: () => (released ??= rm(file, { force: true })) };
}

/** Returns the lock file. */
async function lockIn(dataDir: string): Promise<string> {
  await makeFolder(dataDir, 0o700);
  const folder = await realpath(dataDir);
  const file = path.join(folder, 'server.lock');
  const holder = await claim(file);
  if (holder !== undefined) throw inUse(folder, file, holder);
  return file;
}

/** Makes the lock file ours; returns its holder instead if that is alive. */
async function claim(file: string): Promise<Holder | undefined> {
  const ours = JSON.stringify(await describeSelf());
  const draft = `${file}.${randomUUID()}`;
  try {
    // Written whole beforehand: a link appears at once with all its content, or not at all.
    await writeFile(draft, ours, { mode: 0o600, flush: true });
    for (;;) {
      if (await tryLink(draft, file)) return undefined;
      const theirs = await readText(file);
      if (theirs === undefined) continue;
      const holder = parseHolder(theirs);
      if (holder !== undefined && (await isAlive(holder))) return holder;
      if (await takeOver(file, theirs, draft)) return undefined;
      // Another server is taking this lock over.
      await delay(20);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Replaces a stale lock. Two servers may have found the same one stale, and the slower must not replace the quicker one's
 * new lock: so only the holder of a second lock, named after the stale one's content, may replace that content. Should
 * its holder be killed, that lock is stale in turn, and the same rule takes it over.
 */
async function takeOver(file: string, stale: string, draft: string): Promise<boolean> {
  const turn = `${file}-${createHash('sha256').update(stale).digest('hex').slice(0, 8)}`;
  if ((await claim(turn)) !== undefined) return false;
  try {
    if ((await readText(file)) !== stale) return false;
    await rename(draft, file);
    return true;
  } finally {
    await rm(turn, { force: true });
  }
}

async function tryLink(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function describeSelf(): Promise<Holder> {
  return {
    pid: process.pid,
    start: (await processStart(process.pid)) ?? '',
    host: hostname(),
    boot: await bootId(),
    since: new Date().toISOString(),
    id: randomUUID(),
  };
}

/** A holder on another host cannot be asked, and so counts as alive. */
async function isAlive(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return true;
  return holder.boot === (await bootId()) && (await processStart(holder.pid)) === holder.start;
}

function inUse(folder: string, file: string, holder: Holder): MurmurError {
  const message = `data directory ${folder} is in use by the Murmur server with process id ${holder.pid} on ${holder.host}, started ${holder.since}`;
  const hint =
    holder.host === hostname()
      ? 'Stop that server first, or choose another `--data-dir`.'
      : `Stop that server first. If ${holder.host} no longer exists, delete ${file}.`;
  return new MurmurError('FAILED_PRECONDITION', message, { hint });
}

/** Undefined for a file that a crash of the machine left empty or torn: nobody holds it. */
function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isHolder(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null || !('pid' in value) || typeof value.pid !== 'number') return false;
  const texts = value as Record<string, unknown>;
  return ['start', 'host', 'boot', 'since', 'id'].every((key) => typeof texts[key] === 'string');
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
