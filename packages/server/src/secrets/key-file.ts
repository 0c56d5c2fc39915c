import { randomBytes, randomUUID } from 'node:crypto';
import { type FileHandle, link, open, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import { moveDurably, syncPath } from '../host/durable-files.js';

/** The bytes of a key-encryption key. */
export const keyLength = 32;

/**
 * Makes a file of 32 random bytes with mode 0600, unless there is one. Of two servers that start at once, both end up with the
 * first one's key.
 */
export async function createKeyFile(file: string): Promise<void> {
  if (await exists(file)) return;
  const draft = `${file}.${randomUUID()}`;
  // Written whole beside it and then linked: the file appears at once with all its content, or not at all.
  await writeFile(draft, randomBytes(keyLength), { flag: 'wx', mode: 0o600, flush: true });
  try {
    await linkKeyFile(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

/** The key in a file, or undefined where there is none. Throws FAILED_PRECONDITION when others can read it or it is no key. */
export async function readKeyFile(file: string): Promise<Buffer | undefined> {
  const handle = await openIfThere(file);
  if (handle === undefined) return undefined;
  try {
    const { mode } = await handle.stat();
    if ((mode & 0o077) !== 0) {
      throw new MurmurError('FAILED_PRECONDITION', `${file} is open to others (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`, {
        hint: `Run \`chmod 600 ${file}\`, and consider who may have read it.`,
      });
    }
    const key = await handle.readFile();
    if (key.length !== keyLength) {
      throw new MurmurError('FAILED_PRECONDITION', `${file} is not a master key: it has ${key.length} bytes instead of ${keyLength}`, {
        hint: 'Restore the file from a backup. What was encrypted with it cannot be read without it.',
      });
    }
    return key;
  } finally {
    await handle.close();
  }
}

/** Gives a key file a second name, which stays as it is where it exists already. */
export async function linkKeyFile(file: string, name: string): Promise<void> {
  try {
    await link(file, name);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  // A key must not be lost to a power cut after the first value was encrypted with it.
  await syncPath(path.dirname(name));
}

/** Puts a key file in the place of another. */
export async function replaceKeyFile(file: string, name: string): Promise<void> {
  await moveDurably(file, name);
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
