import { randomBytes } from 'node:crypto';

import type { Queryable } from '../database/tables.js';
import { keyLength } from './key-file.js';
import type { KeyProvider } from './key-provider.js';

const place = 'master key in use';

/**
 * The key that wraps what is new in this database: the one of the first server that asked, until a rotation. Undefined when it is
 * not at hand. Throws INTERNAL when it does not open what it should have wrapped.
 */
export async function keyInUse<T extends KeyProvider>(
  queryable: Queryable,
  first: T,
  find: (id: string) => T | undefined,
): Promise<T | undefined> {
  await queryable
    .insertInto('master_key')
    .values(await rowOf(first))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await queryable.selectFrom('master_key').select(['kek_id', 'wrapped_value']).executeTakeFirstOrThrow();
  const provider = find(row.kek_id);
  await provider?.unwrap(row.kek_id, row.wrapped_value, place);
  return provider;
}

/** Puts another key in the place of the one in use; returns that one's id where there was one. */
export async function replaceKeyInUse(queryable: Queryable, to: KeyProvider): Promise<string | undefined> {
  const before = await queryable.selectFrom('master_key').select('kek_id').where('kek_id', '!=', to.id).forUpdate().executeTakeFirst();
  if (before === undefined) return undefined;
  await queryable
    .updateTable('master_key')
    .set(await rowOf(to))
    .execute();
  return before.kek_id;
}

async function rowOf(provider: KeyProvider): Promise<{ kek_id: string; wrapped_value: Buffer }> {
  return { kek_id: provider.id, wrapped_value: await provider.wrap(randomBytes(keyLength), place) };
}
