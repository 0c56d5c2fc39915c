import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Generation, GenerationSchema, MurmurError } from '@murmur/api';
import { sql } from 'kysely';

import type { Queryable } from '../../database/tables.js';
import { type Address, addressOf, notFound } from '../address.js';
import { type CatalogContext, readerOf } from '../context.js';
import type { Kind } from '../kind.js';
import { kindNamed } from '../kinds/index.js';
import { bytesBefore, fitsPage, pageSizeOf } from '../page-size.js';
import { readPageToken, writePageToken } from '../page-token.js';
import { creationOf, generationsOf } from '../past-generations.js';
import { toResource } from '../resource.js';

/** The resource whose history is asked for. */
export interface ListGenerationsRequest {
  readonly kind: string;
  readonly name: string;
  /** 1 to 1000; 0 is 100. */
  readonly pageSize: number;
  readonly pageToken: string;
  /** Only this generation and those before it; 0 is the newest. */
  readonly newest: bigint;
}

/** One page of a history. */
export interface GenerationPage {
  generations: Generation[];
  /** Empty on the last page. */
  nextPageToken: string;
}

/** The generations of a resource, newest first, also of one that has been removed. Throws NOT_FOUND. */
export async function listGenerations(context: CatalogContext, request: ListGenerationsRequest): Promise<GenerationPage> {
  const kind = kindNamed(request.kind);
  if (request.newest < 0n) throw new MurmurError('INVALID_ARGUMENT', 'newest must be non-negative');
  const address = addressOf(kind, readerOf(context), request.name);
  const limit = pageSizeOf(request.pageSize);
  if (address === undefined) throw notFound(kind.name, request.name);
  const entries = await readPage(context.database, address, { newest: newestOf(kind, request), limit });
  const last = entries.at(-1);
  if (last === undefined) throw notFound(kind.name, request.name);
  return {
    generations: await describe(context.database, kind, address, entries),
    // Numbers have no gaps.
    nextPageToken:
      last.generation === 1 ? '' : writePageToken({ kind: kind.name, sort: orderOf(request), key: '', ordinal: last.generation }),
  };
}

interface Entry {
  readonly generation: number;
  readonly spec: object | null;
  readonly author: string;
  readonly at: Date;
}

/** The number that a page begins with, if that is said. */
function newestOf(kind: Kind, request: ListGenerationsRequest): bigint | undefined {
  if (request.pageToken !== '') return BigInt(readPageToken(request.pageToken, kind.name, orderOf(request)).ordinal - 1);
  return request.newest === 0n ? undefined : request.newest;
}

/** A token goes on with the history it came from and with no other. */
function orderOf({ name }: ListGenerationsRequest): string {
  return `generations of ${name}`;
}

async function readPage(
  queryable: Queryable,
  address: Address,
  { newest, limit }: { readonly newest: bigint | undefined; readonly limit: number },
): Promise<Entry[]> {
  const of = generationsOf(queryable, address);
  const upTo = newest === undefined ? of : of.where('generation', '<=', sql<number>`${newest}::bigint`);
  const page = upTo.select(['generation', 'spec', 'author', 'at']).orderBy('generation', 'desc').limit(limit);
  const measured = queryable
    .selectFrom(page.as('page'))
    .selectAll()
    .select(bytesBefore(sql`generation desc`).as('before'));
  return queryable
    .selectFrom(measured.as('measured'))
    .select(['generation', 'spec', 'author', 'at'])
    .where(fitsPage('before'))
    .orderBy('generation', 'desc')
    .execute();
}

async function describe(queryable: Queryable, kind: Kind, address: Address, entries: readonly Entry[]): Promise<Generation[]> {
  const oldest = entries.findLast(({ spec }) => spec !== null);
  const beforePage = oldest && (await creationOf(queryable, address, oldest.generation));
  let created: Date | undefined;
  const generations = entries.toReversed().map(({ generation, spec, author, at }) => {
    const entry = { generation: BigInt(generation), author, time: timestampFromDate(at) };
    if (spec === null) {
      created = undefined;
      return create(GenerationSchema, { ...entry, removed: true });
    }
    created ??= generation === oldest?.generation ? beforePage : at;
    const stored = { ...address, generation, spec, author, created_at: created ?? at, updated_at: at };
    return create(GenerationSchema, { ...entry, resource: toResource(kind, stored) });
  });
  return generations.reverse();
}
