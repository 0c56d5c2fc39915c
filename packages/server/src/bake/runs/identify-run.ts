import type { Queryable } from '../../database/tables.js';
import { matchesAnyPattern } from '../../database/name-patterns.js';
import { ambiguousRun, runNotFound } from './views.js';

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
  if (second !== undefined && first.id !== idOrPrefix) throw ambiguousRun(idOrPrefix);
  return first;
}

/** Whether the tenant has any run with this id or prefix, whatever its recipe. */
export async function hasRun(queryable: Queryable, tenant: string, idOrPrefix: string): Promise<boolean> {
  return (await findRuns(queryable, tenant, idOrPrefix, ['*'])).length > 0;
}

async function findRuns(queryable: Queryable, tenant: string, idOrPrefix: string, recipes: readonly string[]): Promise<RunIdentity[]> {
  if (!/^[a-z0-9]+$/.test(idOrPrefix)) return [];
  return queryable
    .selectFrom('runs')
    .select(['id', 'recipe'])
    .where('tenant', '=', tenant)
    .where('id', 'like', `${idOrPrefix}%`)
    .where(matchesAnyPattern('recipe', recipes))
    .orderBy('id')
    .limit(2)
    .execute();
}
