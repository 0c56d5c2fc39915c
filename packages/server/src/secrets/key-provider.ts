import { hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { link, open, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import { openWith, sealWith } from './sealing.js';

/** Holds the key-encryption key: it wraps the tenants' own keys and never gives itself away. A key service fits behind it too. */
export interface KeyProvider {
  /** Names the key-encryption key in the database, beside what it has wrapped. */
  readonly id: string;
  /** Encrypts a key for one place, named by the associated text. */
  wrap(key: Buffer, associated: string): Promise<Buffer>;
  /** Decrypts what the key with this id has wrapped. Throws FAILED_PRECONDITION for another key's id. */
  unwrap(id: string, wrapped: Buffer, associated: string): Promise<Buffer>;
}

const keyLength = 32;

/**
 * The key in this file, 32 random bytes, made with mode 0600 where there is none.
 *
 * Throws FAILED_PRECONDITION when others can read the file or it is not of that length.
 */
export async function openKeyFile(file: string): Promise<KeyProvider> {
  await createOnce(file);
  const key = await readKey(file);
  const id = Buffer.from(hkdfSync('sha256', key, '', 'murmur key id', 8)).toString('hex');
  const wrapping = Buffer.from(hkdfSync('sha256', key, '', 'murmur key wrapping', keyLength));
  return {
    id,
    wrap: async (plain, associated) => sealWith(wrapping, plain, associated),
    unwrap: async (wrappedBy, wrapped, associated) => {
      if (wrappedBy === id) return openWith(wrapping, wrapped, associated);
      throw new MurmurError('FAILED_PRECONDITION', `this database was encrypted with master key ${wrappedBy}, and ${file} holds ${id}`, {
        hint: `Put the master key that belongs to this database back in ${file}.`,
      });
    },
  };
}

/** Written whole beside it and then linked: of two servers that start at once, both end up with the first one's key. */
async function createOnce(file: string): Promise<void> {
  if (await exists(file)) return;
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, randomBytes(keyLength), { flag: 'wx', mode: 0o600, flush: true });
  try {
    await link(draft, file);
    await syncFolder(path.dirname(file));
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function readKey(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
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

/** The key must not be lost to a power cut after the first value was encrypted with it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
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

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
