import { type Message, fromJson, toJson } from '@bufbuild/protobuf';
import type { DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { type SelectQueryBuilder, sql } from 'kysely';

import type { DatabaseTransaction, Queryable, Tables } from '../database/tables.js';
import type { Address } from './address.js';
import type { Target } from './targets.js';
import { deleteSecretValue } from './secret-values.js';

/** A resource as the database holds it. */
export interface StoredResource extends Address {
  readonly generation: number;
  readonly spec: object;
  readonly author: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** What a new generation holds. */
export interface Written {
  readonly spec: JsonValue;
  readonly author: string;
  readonly at: Date;
  readonly targets: readonly Target[];
}

/** Sets the catalog's name locks apart from every other advisory lock on the database. */
const nameLocks = 0x6d7572; // "mur"
const tenantLocks = 0x6d7574; // "mut"

/** How many names are locked one by one. */
const maxNameLocks = 500;

const columns = ['tenant', 'kind', 'name', 'generation', 'spec', 'author', 'created_at', 'updated_at'] as const;

/** The specification in its stored form. */
export function encodeSpec(schema: DescMessage, message: Message): JsonValue {
  return toJson(schema, message, { useProtoFieldName: true });
}

/** The specification from its stored form. Fields that a newer server wrote are ignored. */
export function decodeSpec<Schema extends DescMessage>(schema: Schema, stored: object) {
  // A jsonb column holds JSON, which the driver has parsed.
  return fromJson(schema, stored as JsonObject, { ignoreUnknownFields: true });
}

/** Writers of one name wait for each other, also while no row of that name exists. Held until the transaction ends. */
export async function lockName(trx: DatabaseTransaction, address: Address): Promise<void> {
  const { tenant } = address;
  // The shared lock comes first: whoever holds the whole tenant is waited for before anything else is held.
  await sql`select pg_advisory_xact_lock_shared(${tenantLocks}::int, hashtext(${tenant}))`.execute(trx);
  await sql`select pg_advisory_xact_lock(${nameLocks}::int, hashtext(${lockKey(address)}))`.execute(trx);
}

/**
 * As {@link lockName} for many names of one tenant. Always in one order, so that two who lock many never wait for each
 * other; above some hundreds the tenant as a whole, because a database has room for some thousand locks.
 */
export async function lockNames(trx: DatabaseTransaction, tenant: string, addresses: readonly Address[]): Promise<void> {
  if (addresses.length > maxNameLocks) {
    await sql`select pg_advisory_xact_lock(${tenantLocks}::int, hashtext(${tenant}))`.execute(trx);
    return;
  }
  await sql`select pg_advisory_xact_lock_shared(${tenantLocks}::int, hashtext(${tenant}))`.execute(trx);
  // By hash, which is what is locked: two names may share one.
  const hashes = sql`select distinct hashtext(key) as hash from unnest(${addresses.map(lockKey)}::text[]) as key order by hash`;
  await sql`select pg_advisory_xact_lock(${nameLocks}::int, hash) from (${hashes}) as ordered`.execute(trx);
}

function lockKey({ tenant, kind, name }: Address): string {
  return JSON.stringify([tenant, kind, name]);
}

/** The resource, if it exists. */
export async function findResource(queryable: Queryable, address: Address): Promise<StoredResource | undefined> {
  return selectResource(queryable, address).executeTakeFirst();
}

/**
 * The resource, if it exists, and as it will stay until the transaction ends: `reference` only keeps others from changing
 * or removing it, `write` is for whoever is about to do that.
 */
export async function lockResource(
  trx: DatabaseTransaction,
  address: Address,
  purpose: 'reference' | 'write',
): Promise<StoredResource | undefined> {
  const query = selectResource(trx, address);
  return (purpose === 'write' ? query.forUpdate() : query.forShare()).executeTakeFirst();
}

function selectResource(queryable: Queryable, { tenant, kind, name }: Address): SelectQueryBuilder<Tables, 'resources', StoredResource> {
  return queryable.selectFrom('resources').select(columns).where('tenant', '=', tenant).where('kind', '=', kind).where('name', '=', name);
}

/**
 * Writes the next generation of a resource whose name is locked, and what it refers to. In one statement: a batch of ten thousand
 * waits for the database's answer as often as it has resources.
 */
export async function writeGeneration(trx: DatabaseTransaction, address: Address, written: Written): Promise<StoredResource> {
  const { tenant, kind, name } = address;
  const { at, author, targets } = written;
  const spec = JSON.stringify(written.spec);
  const paths = targets.map(({ path }) => path);
  const { rows } = await sql<StoredResource>`
    with next as (
      select coalesce(max(generation), 0) + 1 as generation from resource_generations
      where tenant = ${tenant} and kind = ${kind} and name = ${name}
    ), kept as (
      insert into resource_generations (tenant, kind, name, generation, spec, author, at)
      select ${tenant}, ${kind}, ${name}, generation, ${spec}::jsonb, ${author}, ${at}::timestamptz from next
    ), dropped as (
      delete from resource_references
      where tenant = ${tenant} and kind = ${kind} and name = ${name} and path <> all (${paths}::text[])
    ), referred as (
      insert into resource_references (tenant, kind, name, path, target_tenant, target_kind, target_name)
      select ${tenant}, ${kind}, ${name}, target.* from unnest(
        ${paths}::text[],
        ${targets.map((target) => target.address.tenant)}::text[],
        ${targets.map((target) => target.address.kind)}::text[],
        ${targets.map((target) => target.address.name)}::text[]
      ) as target
      on conflict (tenant, kind, name, path) do update
      set (target_tenant, target_kind, target_name) = (excluded.target_tenant, excluded.target_kind, excluded.target_name)
    )
    insert into resources (tenant, kind, name, generation, spec, author, created_at, updated_at)
    select ${tenant}, ${kind}, ${name}, generation, ${spec}::jsonb, ${author}, ${at}::timestamptz, ${at}::timestamptz from next
    on conflict (tenant, kind, name) do update
    set (generation, spec, author, updated_at) = (excluded.generation, excluded.spec, excluded.author, excluded.updated_at)
    returning ${sql.join(columns.map((column) => sql.ref(column)))}`.execute(trx);
  const [stored] = rows;
  if (stored === undefined) throw new Error('the database has answered a write with nothing');
  return stored;
}

/** Removes a resource whose name is locked. The removal is a generation of its own, so that numbers are never used twice. */
export async function writeRemoval(trx: DatabaseTransaction, address: Address, by: { author: string; at: Date }): Promise<void> {
  const generation = (await newestGeneration(trx, address)) + 1;
  await trx
    .insertInto('resource_generations')
    .values({ ...address, generation, spec: null, ...by })
    .execute();
  const { tenant, kind, name } = address;
  await trx.deleteFrom('resources').where('tenant', '=', tenant).where('kind', '=', kind).where('name', '=', name).execute();
  await deleteSecretValue(trx, address);
}

async function newestGeneration(trx: DatabaseTransaction, { tenant, kind, name }: Address): Promise<number> {
  const { newest } = await trx
    .selectFrom('resource_generations')
    .select(({ fn }) => fn.max('generation').as('newest'))
    .where('tenant', '=', tenant)
    .where('kind', '=', kind)
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
  return newest === null ? 0 : Number(newest);
}
