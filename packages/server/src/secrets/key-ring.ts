import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import type { Queryable } from '../database/tables.js';
import { keyInUse } from './key-in-use.js';
import { createKeyFile, linkKeyFile, replaceKeyFile } from './key-file.js';
import { findKeyFile, type KeyProvider, type PlacedKeyProvider, wrongKey } from './key-provider.js';

/** Where the master keys of one server are. */
export interface KeyPlaces {
  /** The file of the key in use; keys that were rotated out lie beside it. Only one server at a time may use it. */
  readonly file: string;
  /** The key in use instead, when the operator keeps it in the environment. */
  readonly environmentKey?: PlacedKeyProvider | undefined;
}

/** The key that all servers of the database use, and every other one that is at hand for what earlier keys have wrapped. */
export interface KeyRing extends KeyProvider {
  /** The key that this server was given. The database's is another one until a rotation puts this in its place. */
  readonly own: PlacedKeyProvider;
  /** The ids of other keys that still wrap something; a rotation wraps that anew. */
  readonly others: readonly string[];
}

/** The key of a rotation that has not ended. */
export function nextKeyFile(file: string): string {
  return `${file}.next`;
}

/**
 * Opens the keys that this database needs, and completes a rotation whose end a crash has cut off. A new database without a
 * key file gets one.
 *
 * Throws FAILED_PRECONDITION, naming both keys, for a database that none of the keys at hand has encrypted: nothing of it could
 * be read later on.
 */
export async function openKeyRing(queryable: Queryable, places: KeyPlaces): Promise<KeyRing> {
  const used = await usedKeyIds(queryable);
  await removeDrafts(places.file);
  await completeRotation(places.file, used);
  const own = places.environmentKey ?? (await currentKey(places.file, used));
  const atHand = new Map((await keysBeside(places.file)).map((provider) => [provider.id, provider]));
  atHand.set(own.id, own);
  const missing = used.filter((id) => !atHand.has(id));
  if (missing.length > 0) throw wrongKey(missing.join(', '), own);
  // Servers of one database may have been given different keys: what one of them wraps, all of them can open.
  const first = used.includes(own.id) ? own : (atHand.get(used[0] ?? '') ?? own);
  const inUse = await keyInUse(queryable, first, (id) => atHand.get(id));
  if (inUse === undefined) throw wrongKey((await usedKeyIds(queryable)).join(', '), own);
  return {
    id: inUse.id,
    own,
    others: used.filter((id) => id !== own.id),
    wrap: (key, associated) => inUse.wrap(key, associated),
    unwrap: (id, wrapped, associated) => (atHand.get(id) ?? own).unwrap(id, wrapped, associated),
  };
}

/**
 * Gives the current key a second name, under which it stays when the next one replaces it: backups of the database from before
 * need it. Returns that. May be repeated after a crash.
 */
export async function retireCurrentKey(file: string): Promise<string | undefined> {
  const current = await findKeyFile(file);
  if (current === undefined) return undefined;
  const retired = `${file}.${current.id}.retired`;
  await linkKeyFile(file, retired);
  return retired;
}

/** Puts the next key in the place of the current one, which must have its name as a retired one. */
export async function replaceCurrentKey(file: string): Promise<void> {
  await replaceKeyFile(nextKeyFile(file), file);
}

/** The new key was committed to the database if it has wrapped anything there. If not, the file waits for the next rotation. */
async function completeRotation(file: string, used: readonly string[]): Promise<void> {
  const next = await findKeyFile(nextKeyFile(file));
  if (next === undefined || !used.includes(next.id)) return;
  await retireCurrentKey(file);
  await replaceCurrentKey(file);
}

async function currentKey(file: string, used: readonly string[]): Promise<PlacedKeyProvider> {
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

/** What a crash has left of making a key file is a copy of that key, which would outlive it. */
async function removeDrafts(file: string): Promise<void> {
  const [folder, name] = [path.dirname(file), path.basename(file)];
  const isDraft = (other: string) =>
    other.startsWith(name) && /^(\.next)?\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(other.slice(name.length));
  const drafts = (await readdir(folder)).filter(isDraft);
  await Promise.all(drafts.map((draft) => rm(path.join(folder, draft), { force: true })));
}

async function keysBeside(file: string): Promise<readonly PlacedKeyProvider[]> {
  const [folder, name] = [path.dirname(file), path.basename(file)];
  const isOurs = (other: string) => other.startsWith(name) && /^(\.next|\.[0-9a-f]{16}\.retired)?$/.test(other.slice(name.length));
  const names = (await readdir(folder)).filter(isOurs);
  const found = await Promise.all(names.map((other) => findKeyFile(path.join(folder, other))));
  return found.filter((provider) => provider !== undefined);
}

async function usedKeyIds(queryable: Queryable): Promise<readonly string[]> {
  const rows = await queryable
    .selectFrom('tenant_keys')
    .select('kek_id')
    .union(queryable.selectFrom('master_key').select('kek_id'))
    .orderBy('kek_id')
    .execute();
  return rows.map((row) => row.kek_id);
}
