import type { Message } from '@bufbuild/protobuf';
import type { Resource } from '@murmur/api';
import { sql } from 'kysely';

import type { DatabaseTransaction, Queryable } from '../database/tables.js';
import { type Address, addressOf, notFound } from './address.js';
import { PLATFORM_TENANT, type Reader } from './context.js';
import { kindNamed } from './kinds/index.js';
import { type StoredResource, decodeSpec, findResource } from './store.js';

type Kebab<Text extends string> = Text extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `-${Lowercase<First>}`}${Kebab<Rest>}`
  : '';

type Camel<Text extends string> = Text extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Text;

/** The names of the kinds: `recipe`, `machine-type` and so on. */
export type KindName = Kebab<NonNullable<Resource['spec']['case']>>;

/** The specification of a kind. */
export type SpecOf<Name extends KindName> = Extract<Resource['spec'], { case: Camel<Name> }>['value'] & Message;

/** The newest specification of the tenant's own resource or the platform's builtin. Throws NOT_FOUND. */
export async function readSpec<Name extends KindName>(
  queryable: Queryable,
  reader: Reader,
  kind: Name,
  name: string,
): Promise<SpecOf<Name>> {
  const address = visibleAddress(reader, kind, name);
  return specOf(kind, name, await findResource(queryable, address));
}

/**
 * As {@link readSpec}, for a name that somebody gives: what they may not read is not there. Builtins are nobody's secret. The
 * cause of the answer says what was lacking, for the audit log.
 */
export async function readSpecAs<Name extends KindName>(
  queryable: Queryable,
  reader: Reader,
  kind: Name,
  name: string,
): Promise<SpecOf<Name>> {
  const stored = await findResource(queryable, visibleAddress(reader, kind, name));
  if (stored?.tenant !== PLATFORM_TENANT) {
    try {
      reader.permits.require(`${kind}.read`, name);
    } catch (cause) {
      throw notFound(kind, name, cause);
    }
  }
  return specOf(kind, name, stored);
}

/**
 * Keeps anybody from changing or removing these resources, in this order, before the transaction ends: for what is about to refer to
 * them. Answers what each name means to the reader: a resource of its own or the platform's. Throws NOT_FOUND for the first that is absent.
 */
export async function holdResources(
  trx: DatabaseTransaction,
  reader: Reader,
  named: readonly (readonly [kind: KindName, name: string])[],
): Promise<readonly Address[]> {
  const addresses = named.map(([kind, name]) => visibleAddress(reader, kind, name));
  const { rows } = await sql<{ position: number }>`
    select asked.position::int as position
    from unnest(${addresses.map(({ tenant }) => tenant)}::text[], ${addresses.map(({ kind }) => kind)}::text[], ${addresses.map(({ name }) => name)}::text[])
      with ordinality as asked (tenant, kind, name, position)
    join resources using (tenant, kind, name)
    order by asked.position for share of resources`.execute(trx);
  const there = new Set(rows.map(({ position }) => position - 1));
  const absent = addresses.find((_address, index) => !there.has(index));
  if (absent !== undefined) throw notFound(absent.kind, absent.name);
  return addresses;
}

function visibleAddress(reader: Reader, kind: KindName, name: string): Address {
  const address = addressOf(kindNamed(kind), reader, name);
  if (address === undefined) throw notFound(kind, name);
  return address;
}

function specOf<Name extends KindName>(kind: Name, name: string, stored: StoredResource | undefined): SpecOf<Name> {
  if (stored === undefined) throw notFound(kind, name);
  // The registry's test holds the kind's schema and the Resource message's field together; the compiler cannot.
  return decodeSpec(kindNamed(kind).schema, stored.spec) as SpecOf<Name>;
}
