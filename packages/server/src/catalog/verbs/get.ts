import { MurmurError, type Resource } from '@murmur/api';
import { sql } from 'kysely';

import type { Queryable } from '../../database/tables.js';
import { type Address, addressOf, notFound } from '../address.js';
import { type CatalogContext, readerOf } from '../context.js';
import type { Kind } from '../kind.js';
import { kindNamed } from '../kinds/index.js';
import { creationOf, generationsOf } from '../past-generations.js';
import { toResource } from '../resource.js';
import { type StoredResource, findResource } from '../store.js';

/** The resource to read. */
export interface GetRequest {
  readonly kind: string;
  readonly name: string;
  /** 0 is the newest. */
  readonly generation: bigint;
}

/** The resource as it is, or as it was in an earlier generation, even if it has been removed since. Throws NOT_FOUND. */
export async function getResource(context: CatalogContext, request: GetRequest): Promise<{ resource: Resource }> {
  const kind = kindNamed(request.kind);
  if (request.generation < 0n) throw new MurmurError('INVALID_ARGUMENT', 'generation must be non-negative');
  const address = addressOf(kind, readerOf(context), request.name);
  if (address === undefined) throw notFound(kind.name, request.name);
  const stored =
    request.generation === 0n
      ? await findResource(context.database, address)
      : await findGeneration(context.database, kind, request.name, address, request.generation);
  if (stored === undefined) throw notFound(kind.name, request.name);
  return { resource: toResource(kind, stored) };
}

async function findGeneration(
  database: Queryable,
  kind: Kind,
  name: string,
  address: Address,
  generation: bigint,
): Promise<StoredResource | undefined> {
  const of = generationsOf(database, address);
  const found = await of
    .select(['generation', 'spec', 'author', 'at'])
    .where('generation', '=', sql<number>`${generation}::bigint`)
    .executeTakeFirst();
  if (found === undefined) {
    if ((await of.select('generation').limit(1).executeTakeFirst()) === undefined) return undefined;
    throw new MurmurError('NOT_FOUND', `${kind.name} "${name}" has no generation ${generation}`, {
      hint: `List its generations with "murmur history ${kind.name} ${name}".`,
    });
  }
  const { author, at, spec } = found;
  if (spec === null) {
    throw new MurmurError('NOT_FOUND', `generation ${generation} of ${kind.name} "${name}" is its removal`, {
      hint: 'Read the generation before it.',
    });
  }
  const createdAt = await creationOf(database, address, found.generation);
  return { ...address, generation: found.generation, spec, author, created_at: createdAt, updated_at: at };
}
