import { type Message, clone } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { sql } from 'kysely';

import type { DatabaseTransaction, Queryable } from '../database/tables.js';
import type { TenantKeys } from '../secrets/tenant-keys.js';
import type { Address } from './address.js';
import type { CatalogContext } from './context.js';
import { fieldNamed } from './decode.js';
import type { Kind } from './kind.js';

/** The newest value of a tenant's secret; undefined when there is no such secret. */
export async function readSecretValue(
  queryable: Queryable,
  tenantKeys: TenantKeys,
  tenant: string,
  name: string,
): Promise<string | undefined> {
  return (await readSecretValues(queryable, tenantKeys, tenant, [name])).get(name);
}

/** The newest values of those secrets that there are, all of one moment: some may have been replaced together. */
export async function readSecretValues(
  queryable: Queryable,
  tenantKeys: TenantKeys,
  tenant: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (names.length === 0) return new Map();
  const rows = await queryable
    .selectFrom('secret_values')
    .select(['name', 'generation', 'sealed'])
    .where('tenant', '=', tenant)
    .where(sql<boolean>`name = any (${names}::text[])`)
    .execute();
  if (rows.length === 0) return new Map();
  const key = await tenantKeys.of(tenant);
  return new Map(rows.map(({ generation, name, sealed }) => [name, key.open(sealed, placeOf(tenant, name, generation)).toString()]));
}

/**
 * Loads the tenant's key if a write of this kind will seal something. To be called before the write's transaction begins: when
 * every connection is held by a transaction that waits for one more to load a key, none of them ever ends.
 */
export async function prepareToSeal({ tenantKeys, identity }: CatalogContext, kind: Kind): Promise<void> {
  if (kind.sealedField !== undefined) await tenantKeys.of(identity.tenant);
}

/** What a document shows, and the value that is sealed instead; undefined when it has none. */
export function splitSealed(kind: Kind, spec: Message): { visible: Message; value: string | undefined } {
  const field = kind.sealedField === undefined ? undefined : fieldNamed(kind.schema, kind.sealedField);
  if (field === undefined) return { visible: spec, value: undefined };
  const visible = clone(kind.schema, spec);
  const reflected = reflect(kind.schema, visible);
  const value: unknown = reflected.get(field);
  reflected.clear(field);
  return { visible, value: typeof value === 'string' && value !== '' ? value : undefined };
}

/** Seals a value for the generation that was just written, in place of the one before. */
export async function writeSecretValue(
  trx: DatabaseTransaction,
  tenantKeys: TenantKeys,
  { tenant, name, generation }: Pick<Address, 'tenant' | 'name'> & { generation: number },
  value: string,
): Promise<void> {
  const key = await tenantKeys.of(tenant);
  const sealed = key.seal(Buffer.from(value), placeOf(tenant, name, generation));
  await trx
    .insertInto('secret_values')
    .values({ tenant, name, generation, sealed })
    .onConflict((conflict) => conflict.columns(['tenant', 'name']).doUpdateSet({ generation, sealed }))
    .execute();
}

/** Deletes the value of a resource that is being removed, if it is of the kind that has one. */
export async function deleteSecretValue(trx: DatabaseTransaction, { tenant, kind, name }: Address): Promise<void> {
  if (kind !== 'secret') return;
  await trx.deleteFrom('secret_values').where('tenant', '=', tenant).where('name', '=', name).execute();
}

/** Authenticated with the value, so that it opens nowhere else. */
function placeOf(tenant: string, name: string, generation: number): string {
  return `secret ${tenant}/${name}#${generation}`;
}
