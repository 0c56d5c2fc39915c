import { refusal } from '@murmur/api';

import { sql } from 'kysely';

import { bakeErrors } from '../errors.js';
import { matchesAnyPattern } from '../../database/name-patterns.js';
import type { Queryable } from '../../database/tables.js';
import type { RunRow } from './runs.js';

/** A run, and the recipe whose permissions decide who may see it. */
export interface RunIdentity {
  readonly id: string;
  readonly recipe: string;
}

/**
 * The tenant's run with this id, or with a prefix of it that no other such run shares, among the runs of recipes whose names
 * match these patterns. A run of another recipe is not found, exactly as one that does not exist. Throws NOT_FOUND.
 */
export async function identifyRun(
  queryable: Queryable,
  tenant: string,
  idOrPrefix: string,
  recipes: readonly string[],
): Promise<RunIdentity> {
  const [first, second] = await findRuns(queryable, tenant, idOrPrefix, recipes);
  if (first === undefined) throw runNotFound(idOrPrefix);
  if (second !== undefined && first.id !== idOrPrefix) throw refusal(bakeErrors.runAmbiguous, [idOrPrefix]);
  return first;
}

/** Whether the tenant has any run with this id or prefix, whatever its recipe. */
export async function hasRun(queryable: Queryable, tenant: string, idOrPrefix: string): Promise<boolean> {
  return (await findRuns(queryable, tenant, idOrPrefix, ['*'])).length > 0;
}

/** The tenant's run with this whole id. Throws NOT_FOUND. */
export async function findRun(queryable: Queryable, tenant: string, id: string): Promise<RunRow> {
  // The database cannot be asked for a NUL.
  const asked = id.includes('\0')
    ? undefined
    : queryable.selectFrom('runs').selectAll().where('tenant', '=', tenant).where('id', '=', id).executeTakeFirst();
  const run = await asked;
  if (run === undefined) throw runNotFound(id);
  return run;
}

function runNotFound(idOrPrefix: string): Error {
  return refusal(bakeErrors.runAbsent, [idOrPrefix]);
}

async function findRuns(queryable: Queryable, tenant: string, idOrPrefix: string, recipes: readonly string[]): Promise<RunIdentity[]> {
  if (!/^[a-z0-9]+$/.test(idOrPrefix)) return [];
  return (
    queryable
      .selectFrom('runs')
      .select(['id', 'recipe'])
      .where('tenant', '=', tenant)
      // In the order of the index, which is not the database's: ids hold nothing that comes after a tilde.
      .where(sql<boolean>`id collate "C" >= ${idOrPrefix} and id collate "C" < ${`${idOrPrefix}~`}`)
      .where(matchesAnyPattern('recipe', recipes))
      .orderBy(sql`id collate "C"`)
      .limit(2)
      .execute()
  );
}
