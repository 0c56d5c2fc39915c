import { type Column, ColumnSchema, MurmurError, type Resource, type Row, RowSchema, SortOrder, specOf } from '@murmur/api';
import { create } from '@bufbuild/protobuf';
import { sql } from 'kysely';

import { matchesAnyPattern } from '../../database/name-patterns.js';
import type { Queryable } from '../../database/tables.js';
import { seesBuiltins } from '../address.js';
import { type CatalogContext, PLATFORM_TENANT } from '../context.js';
import type { Kind } from '../kind.js';
import { kindNamed } from '../kinds/index.js';
import { bytesBefore, fitsPage, pageSizeOf } from '../page-size.js';
import { type PagePosition, readPageToken, writePageToken } from '../page-token.js';
import { toResource } from '../resource.js';

/** Which resources to list. */
export interface ListRequest {
  readonly kind: string;
  readonly sort: SortOrder;
  /** 1 to 1000; 0 is 100. Large documents make a page shorter. */
  readonly pageSize: number;
  readonly pageToken: string;
}

/** One page of a list, with the table that shows it. */
export interface ListResult {
  resources: Resource[];
  /** Empty on the last page. */
  nextPageToken: string;
  columns: Column[];
  rows: Row[];
}

/**
 * The tenant's own resources of a kind, as far as the caller may list them, and the builtins, which are nobody's secret: oldest
 * first, unless sorted otherwise.
 */
export async function listResources(context: CatalogContext, request: ListRequest): Promise<ListResult> {
  const kind = kindNamed(request.kind);
  const order = orderOf(request.sort);
  const size = pageSizeOf(request.pageSize);
  const { tenant } = context.identity;
  const after = request.pageToken === '' ? undefined : readPageToken(request.pageToken, kind.name, order);
  // Each half stops at the end of the page by itself: from both at once the database would sort everything first.
  const half = (owner: string) => firstOf(context.database, { owner, kind: kind.name, order, after, limit: size + 1 });
  const own = half(tenant).where(matchesAnyPattern('name', context.permits.namesFor(`${kind.name}.list`)));
  const ofTenant = context.database.selectFrom(own.as('own')).selectAll();
  const builtins = context.database.selectFrom(half(PLATFORM_TENANT).as('theirs')).selectAll();
  const all = tenant === PLATFORM_TENANT || !seesBuiltins(kind, context.permits) ? ofTenant : ofTenant.unionAll(builtins);
  const whole = context.database
    .selectFrom(all.as('both'))
    .selectAll()
    .orderBy(sortKey(order))
    .orderBy('ordinal')
    .limit(size + 1);
  const measured = context.database
    .selectFrom(whole.as('whole'))
    .selectAll()
    .select([bytesBefore(sql`${sortKey(order)}, ordinal`).as('before'), sql<number>`count(*) over ()`.as('count')]);
  const found = await context.database
    .selectFrom(measured.as('measured'))
    .selectAll()
    .where(fitsPage('before'))
    .orderBy(sortKey(order))
    .orderBy('ordinal')
    .execute();
  const page = found.slice(0, size);
  const last = page.at(-1);
  const resources = page.map((stored) => toResource(kind, stored));
  return {
    resources,
    nextPageToken:
      last === undefined || page.length === last.count
        ? ''
        : writePageToken({
            kind: kind.name,
            sort: order,
            key: order === 'updated' ? last.updated_at.toISOString() : order === 'name' ? last.name : '',
            ordinal: Number(last.ordinal),
          }),
    ...tableOf(kind, resources),
  };
}

type Order = 'created' | 'name' | 'updated';

interface Section {
  readonly owner: string;
  readonly kind: string;
  readonly order: Order;
  readonly after: PagePosition | undefined;
  readonly limit: number;
}

/** One owner's resources of a kind, from a position on, in an order that an index has. */
function firstOf(database: Queryable, { owner, kind, order, after, limit }: Section) {
  const query = database
    .selectFrom('resources')
    .select(['tenant', 'kind', 'name', 'generation', 'spec', 'author', 'created_at', 'updated_at', 'ordinal'])
    .where('tenant', '=', owner)
    .where('kind', '=', kind)
    .orderBy(sortKey(order))
    .orderBy('ordinal')
    .limit(limit);
  if (after === undefined) return query;
  if (order === 'created') return query.where('ordinal', '>', after.ordinal);
  return query.where(sql<boolean>`(${sortKey(order)}, ordinal) > (${keyValue(order, after.key)}, ${after.ordinal}::bigint)`);
}

function orderOf(sort: SortOrder): Order {
  switch (sort) {
    case SortOrder.UNSPECIFIED:
    case SortOrder.CREATED:
      return 'created';
    case SortOrder.NAME:
      return 'name';
    case SortOrder.UPDATED:
      return 'updated';
    default:
      throw new MurmurError('INVALID_ARGUMENT', 'unknown sort value', { hint: 'Sort by name, created or updated.' });
  }
}

/** Names are compared by their bytes, whatever the database's locale; creation needs nothing but the ordinal. */
function sortKey(order: Order) {
  if (order === 'name') return sql`name collate "C"`;
  return order === 'updated' ? sql`updated_at` : sql`ordinal`;
}

function keyValue(order: Order, key: string) {
  return order === 'updated' ? sql`${key}::timestamptz` : sql`${key}::text`;
}

function tableOf(kind: Kind, resources: readonly Resource[]): Pick<ListResult, 'columns' | 'rows'> {
  return {
    columns: kind.columns.map(({ header }) => create(ColumnSchema, { header })),
    rows: resources.flatMap((resource) => {
      const spec = specOf(resource)?.message;
      return spec === undefined ? [] : [create(RowSchema, { cells: kind.columns.map((column) => column.cell(spec)) })];
    }),
  };
}
