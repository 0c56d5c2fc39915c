import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import { syncPath } from './durable-files.js';
import { isGone } from './process-start.js';

/**
 * The name of a data folder among those of all servers on one database: 16 of `[0-9a-f]`, drawn at the first start and kept
 * in `host-id`. It goes where the folder goes, for what it names are the machines and images in that folder.
 *
 * Throws FAILED_PRECONDITION when the file holds something else: another name would give up all that is in the folder.
 */
export async function hostIdOf(dataDir: string): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const folder = await realpath(dataDir);
  const file = path.join(folder, 'host-id');
  const known = (await readId(file)) ?? (await keep(folder, file, (await readId(path.join(folder, 'qemu-host'))) ?? draw()));
  if (/^[0-9a-f]{16}$/.test(known)) return known;
  throw new MurmurError('FAILED_PRECONDITION', `${file} holds no host id`, {
    hint: 'Restore the file. Without it, delete it: the server then starts as a new host, and the images of the old one are given up.',
  });
}

/** How a server of the release before called itself in the database. */
export function formerHostIdOf(dataDir: string): string {
  return createHash('sha256').update(`${hostname()}\n${dataDir}`).digest('hex').slice(0, 12);
}

function draw(): string {
  return randomBytes(8).toString('hex');
}

/** Writes the id down, unless another process has just done so. Returns the one that holds. */
async function keep(folder: string, file: string, id: string): Promise<string> {
  const draft = `${file}.${randomUUID()}.tmp`;
  await writeFile(draft, `${id}\n`, { mode: 0o600, flush: true });
  try {
    await link(draft, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  // What is about to be named after it must not outlive it.
  await syncPath(folder);
  return (await readId(file)) ?? id;
}

async function readId(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
