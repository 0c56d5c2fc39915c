import { hkdfSync } from 'node:crypto';

import { MurmurError } from '@murmur/api';

import { createKeyFile, keyLength, readKeyFile } from './key-file.js';
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

/** A key-encryption key in memory, and where it came from, for messages. */
export interface PlacedKeyProvider extends KeyProvider {
  /** A file, or a variable as `$NAME`. */
  readonly place: string;
}

/**
 * The key in this file, 32 random bytes, made with mode 0600 where there is none.
 *
 * Throws FAILED_PRECONDITION when others can read the file or it is not of that length.
 */
export async function openKeyFile(file: string): Promise<PlacedKeyProvider> {
  await createKeyFile(file);
  const provider = await findKeyFile(file);
  if (provider === undefined) throw new Error(`${file} was removed while it was made`);
  return provider;
}

/** As {@link openKeyFile}, but undefined where there is no such file. */
export async function findKeyFile(file: string): Promise<PlacedKeyProvider | undefined> {
  const key = await readKeyFile(file);
  return key === undefined ? undefined : providerOf(key, file);
}

/**
 * The key in an environment variable: 32 bytes in base64 or in hex. The value appears in no message.
 *
 * Throws FAILED_PRECONDITION when the variable is not set or holds anything else.
 */
export function openEnvKey(variable: string, value: string | undefined): PlacedKeyProvider {
  const hint = `Set it to the key of this database. For a new one, make it with \`openssl rand -base64 ${keyLength}\`.`;
  const written = value?.trim() ?? '';
  if (written === '') throw new MurmurError('FAILED_PRECONDITION', `$${variable} is to hold the master key and is not set`, { hint });
  const key = decodeKey(written);
  if (key === undefined) {
    throw new MurmurError('FAILED_PRECONDITION', `$${variable} is not a master key: it must be ${keyLength} bytes in base64 or hex`, {
      hint,
    });
  }
  return providerOf(key, `$${variable}`);
}

/** What is said of a database whose keys are wrapped by one that is not at hand. */
export function wrongKey(wrappedBy: string, held: { readonly id: string; readonly place: string }): MurmurError {
  const message = `this database was encrypted with master key ${wrappedBy}, and ${held.place} holds ${held.id}`;
  return new MurmurError('FAILED_PRECONDITION', message, {
    hint: `Put the master key that belongs to this database back in ${held.place}.`,
  });
}

function providerOf(key: Buffer, place: string): PlacedKeyProvider {
  const id = Buffer.from(hkdfSync('sha256', key, '', 'murmur key id', 8)).toString('hex');
  const wrapping = Buffer.from(hkdfSync('sha256', key, '', 'murmur key wrapping', keyLength));
  return {
    id,
    place,
    wrap: async (plain, associated) => sealWith(wrapping, plain, associated),
    unwrap: async (wrappedBy, wrapped, associated) => {
      if (wrappedBy === id) return openWith(wrapping, wrapped, associated);
      throw wrongKey(wrappedBy, { id, place });
    },
  };
}

function decodeKey(written: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(written)) return Buffer.from(written, 'hex');
  // 43 characters carry 258 bits; a last one that carries more than 256 was not made from 32 bytes.
  if (/^[A-Za-z0-9+/_-]{42}[AEIMQUYcgkosw048]=?$/.test(written)) return Buffer.from(written, 'base64');
  return undefined;
}
