import type { Database } from '../database/tables.js';
import { replaceKeyInUse } from './key-in-use.js';
import { openKeyFile, type PlacedKeyProvider } from './key-provider.js';
import { type KeyPlaces, nextKeyFile, openKeyRing, replaceCurrentKey, retireCurrentKey } from './key-ring.js';
import { placeOfTenantKey } from './tenant-keys.js';

/** What a rotation of the master key works on. No server may run on these keys meanwhile. */
export interface RotationParts extends KeyPlaces {
  readonly database: Database;
  /** The new key when the operator keeps it in the environment; otherwise a file is made for it. */
  readonly newKey?: PlacedKeyProvider | undefined;
}

/** What a rotation has done. */
export interface Rotation {
  /** The ids of the keys that had wrapped something until now. */
  readonly from: readonly string[];
  readonly to: PlacedKeyProvider;
  /** How many tenants' keys were wrapped anew. */
  readonly tenants: number;
  /** The file that the old key is in now, when it was in one. */
  readonly retired?: string;
}

/** How far a rotation has come. */
export type RotationStage = 'the new key is stored' | 'the keys are wrapped anew' | 'the old key is kept' | 'the new key is in place';

/**
 * Makes a new master key, or takes the one given, and wraps every tenant's key with it; what those have encrypted stays as it is.
 * With a key in the environment and no new one given, that key takes over whatever others have wrapped.
 *
 * It can be cut off anywhere: the new key is on the disk before the database needs it, the old one is never removed, and the
 * next start of a server, or the next rotation, completes what was begun. Yields after each step.
 */
export async function* rotateMasterKey(parts: RotationParts): AsyncGenerator<RotationStage, Rotation> {
  // Also completes an earlier rotation: its next key must not be taken for this one's.
  await openKeyRing(parts.database, parts);
  const given = parts.newKey ?? parts.environmentKey;
  if (given !== undefined) {
    const wrapped = await rewrap(parts, given);
    yield 'the keys are wrapped anew';
    return { ...wrapped, to: given };
  }
  const next = await openKeyFile(nextKeyFile(parts.file));
  yield 'the new key is stored';
  const wrapped = await rewrap(parts, next);
  yield 'the keys are wrapped anew';
  const retired = await retireCurrentKey(parts.file);
  yield 'the old key is kept';
  await replaceCurrentKey(parts.file);
  yield 'the new key is in place';
  return { ...wrapped, to: { ...next, place: parts.file }, ...(retired === undefined ? {} : { retired }) };
}

/** All of them or none: a reader sees every key under the old master key or every one under the new. */
async function rewrap(parts: RotationParts, to: PlacedKeyProvider): Promise<Pick<Rotation, 'from' | 'tenants'>> {
  const ring = await openKeyRing(parts.database, parts);
  return parts.database.transaction().execute(async (trx) => {
    const rows = await trx
      .selectFrom('tenant_keys')
      .select(['tenant', 'kek_id', 'wrapped_key'])
      .where('kek_id', '!=', to.id)
      .forUpdate()
      .execute();
    for (const row of rows) {
      const associated = placeOfTenantKey(row.tenant);
      const key = await ring.unwrap(row.kek_id, row.wrapped_key, associated);
      await trx
        .updateTable('tenant_keys')
        .set({ kek_id: to.id, wrapped_key: await to.wrap(key, associated) })
        .where('tenant', '=', row.tenant)
        .execute();
    }
    const before = await replaceKeyInUse(trx, to);
    const from = new Set([...rows.map((row) => row.kek_id), ...(before === undefined ? [] : [before])]);
    return { from: [...from], tenants: rows.length };
  });
}
