import { readdir } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import type { Queryable } from '../database/tables.js';
import { createKeyFile, linkKeyFile, replaceKeyFile } from './key-file.js';
import { findKeyFile, type KeyProvider, type PlacedKeyProvider, wrongKey } from './key-provider.js';

/** Where the master keys of one data directory are. */
export interface KeyPlaces {
  readonly dataDir: string;
  /** The key in use when the operator keeps it in the environment; otherwise it is the file `master.key`. */
  readonly environmentKey?: PlacedKeyProvider | undefined;
}

/** The key in use, and every other one that is at hand for what earlier keys have wrapped. */
export interface KeyRing extends KeyProvider {
  /** The key in use. */
  readonly own: PlacedKeyProvider;
  /** The ids of other keys that still wrap something; a rotation wraps that anew. */
  readonly others: readonly string[];
}

/** The files of master keys in a data directory. */
export const keyFilesIn = (dataDir: string) => ({
  current: path.join(dataDir, 'master.key'),
  /** Of a rotation that has not ended. */
  next: path.join(dataDir, 'master.key.next'),
  /** A key that has been rotated out: backups of the database from before need it. */
  retired: (id: string) => path.join(dataDir, `master.key.${id}.retired`),
});

/**
 * Opens the keys that this database needs, and completes a rotation whose end a crash has cut off. A new database without a
 * key file gets one.
 *
 * Throws FAILED_PRECONDITION, naming both keys, for a database that none of the keys at hand has encrypted: nothing of it could
 * be read later on.
 */
export async function openKeyRing(queryable: Queryable, places: KeyPlaces): Promise<KeyRing> {
  const used = await usedKeyIds(queryable);
  await completeRotation(places.dataDir, used);
  const own = places.environmentKey ?? (await currentFile(places.dataDir, used));
  const atHand = new Map((await keyFiles(places.dataDir)).map((provider) => [provider.id, provider]));
  atHand.set(own.id, own);
  const missing = used.filter((id) => !atHand.has(id));
  if (missing.length > 0) throw wrongKey(missing.join(', '), own);
  return {
    id: own.id,
    own,
    others: used.filter((id) => id !== own.id),
    wrap: (key, associated) => own.wrap(key, associated),
    unwrap: (id, wrapped, associated) => (atHand.get(id) ?? own).unwrap(id, wrapped, associated),
  };
}

/** Gives the current key the name of a retired one too, and returns that. May be repeated after a crash. */
export async function retireCurrentKey(dataDir: string): Promise<string | undefined> {
  const files = keyFilesIn(dataDir);
  const current = await findKeyFile(files.current);
  if (current === undefined) return undefined;
  const retired = files.retired(current.id);
  await linkKeyFile(files.current, retired);
  return retired;
}

/** Puts the next key in the place of the current one, which must have its name as a retired one. */
export async function replaceCurrentKey(dataDir: string): Promise<void> {
  const files = keyFilesIn(dataDir);
  await replaceKeyFile(files.next, files.current);
}

/** The new key was committed to the database if it has wrapped anything there. If not, the file waits for the next rotation. */
async function completeRotation(dataDir: string, used: readonly string[]): Promise<void> {
  const next = await findKeyFile(keyFilesIn(dataDir).next);
  if (next === undefined || !used.includes(next.id)) return;
  await retireCurrentKey(dataDir);
  await replaceCurrentKey(dataDir);
}

async function currentFile(dataDir: string, used: readonly string[]): Promise<PlacedKeyProvider> {
  const file = keyFilesIn(dataDir).current;
  // A new key would open nothing, and hide that the old one is missing.
  if (used.length === 0) await createKeyFile(file);
  const current = await findKeyFile(file);
  if (current !== undefined) return current;
  throw new MurmurError(
    'FAILED_PRECONDITION',
    `this database was encrypted with master key ${used.join(', ')}, and ${file} does not exist`,
    {
      hint: `Put the master key that belongs to this database back in ${file}.`,
    },
  );
}

async function keyFiles(dataDir: string): Promise<readonly PlacedKeyProvider[]> {
  const names = (await readdir(dataDir)).filter((name) => /^master\.key(\.next|\.[0-9a-f]{16}\.retired)?$/.test(name));
  const found = await Promise.all(names.map((name) => findKeyFile(path.join(dataDir, name))));
  return found.filter((provider) => provider !== undefined);
}

async function usedKeyIds(queryable: Queryable): Promise<readonly string[]> {
  const rows = await queryable.selectFrom('tenant_keys').select('kek_id').distinct().orderBy('kek_id').execute();
  return rows.map((row) => row.kek_id);
}
