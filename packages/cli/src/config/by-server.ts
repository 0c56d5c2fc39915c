import { chmod, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Surroundings } from '../surroundings.js';
import { CliError } from '../failure.js';
import { readOwnFile } from './own-file.js';
import { writePrivateFile } from './write-private-file.js';

/** A file of this user's with one entry for each server. */
export interface ServerFile<Entry> {
  readonly file: string;
  isEntry(value: unknown): value is Entry;
}

/** How long another process may hold a file, and after which time its lock counts as left behind, in milliseconds. */
const patienceMs = 60_000;
const pauseMs = 25;

/** The folder of this user's own configuration: `$XDG_CONFIG_HOME/murmur`. */
export function userFolder({ env, home }: Pick<Surroundings, 'env' | 'home'>): string {
  const configured = env['XDG_CONFIG_HOME'];
  return join(configured === undefined || configured === '' ? join(home, '.config') : configured, 'murmur');
}

/** A server's entry; undefined when there is none. */
export async function readEntry<Entry>(place: ServerFile<Entry>, server: string): Promise<Entry | undefined> {
  const entries = await readEntries(place);
  return Object.hasOwn(entries, server) ? entries[server] : undefined;
}

/** Puts another entry in the place of a server's, or takes it away. Only one process changes the file at a time, also while `change` waits. */
export async function changeEntry<Entry>(
  place: ServerFile<Entry>,
  server: string,
  change: (current: Entry | undefined) => Promise<Entry | undefined>,
): Promise<Entry | undefined> {
  const unlock = await lock(place.file);
  try {
    const { [server]: current, ...others } = await readEntries(place);
    const next = await change(current);
    if (next !== current) {
      const entries = next === undefined ? others : { ...others, [server]: next };
      await writePrivateFile(place.file, `${JSON.stringify(entries, undefined, 2)}\n`);
    }
    return next;
  } finally {
    await unlock();
  }
}

async function readEntries<Entry>({ file, isEntry }: ServerFile<Entry>): Promise<Readonly<Record<string, Entry>>> {
  const text = await readOwnFile(file);
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    const isWhole = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isEntry);
    if (isWhole) return value as Record<string, Entry>;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new CliError('FAILED_PRECONDITION', `${file} is damaged`, { hint: 'Remove it, and sign in again with: murmur auth login' });
}

async function lock(file: string): Promise<() => Promise<void>> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // It may be older than this program, or made under another umask.
  await chmod(folder, 0o700);
  const lockFile = `${file}.lock`;
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      await (await open(lockFile, 'wx', 0o600)).close();
      return () => rm(lockFile, { force: true });
    } catch (cause) {
      if (!hasCode(cause, 'EEXIST')) throw cause;
      if (performance.now() > giveUpAt) {
        throw new CliError('ABORTED', `another process holds ${lockFile}`, { cause, hint: 'Remove that file if none does.' });
      }
      if (await isLeftBehind(lockFile)) await rm(lockFile, { force: true });
      else await delay(pauseMs);
    }
  }
}

async function isLeftBehind(lockFile: string): Promise<boolean> {
  const found = await stat(lockFile).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > patienceMs;
}

function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}
