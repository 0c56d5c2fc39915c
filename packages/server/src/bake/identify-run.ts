import type { Queryable } from '../database/tables.js';
import { matchesAnyPattern } from '../database/name-patterns.js';
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
  if (!/^[a-z0-9]+$/.test(idOrPrefix)) throw runNotFound(idOrPrefix);
  const [first, second] = await queryable
    .selectFrom('runs')
    .select(['id', 'recipe'])
    .where('tenant', '=', tenant)
    .where('id', 'like', `${idOrPrefix}%`)
    .where(matchesAnyPattern('recipe', recipes))
    .orderBy('id')
    .limit(2)
    .execute();
  if (first === undefined) throw runNotFound(idOrPrefix);
  if (second !== undefined && first.id !== idOrPrefix) throw ambiguousRun(idOrPrefix);
  return first;
}
