import { sql } from 'kysely';

import type { Queryable } from '../../database/tables.js';

/** What makes bakes take about as long as each other. */
export interface Lineage {
  readonly recipe: string;
  readonly environment: string;
  readonly placement: string;
}

/** As many of the last ones are looked at. */
const lookedAt = 20;

/**
 * How long the last completed bakes like this one took, from their first step to their end, by their median, in seconds; 0 when
 * there are none. Asked once for each and remembered: whoever watches asks again and again.
 */
export function createUsualTimes(queryable: Queryable, tenant: string): (lineage: Lineage) => Promise<number> {
  const known = new Map<string, number>();
  return async ({ environment, placement, recipe }) => {
    const key = JSON.stringify([recipe, environment, placement]);
    const before = known.get(key);
    if (before !== undefined) return before;
    const { rows } = await sql<{ usual: number | null }>`
      select percentile_cont(0.5) within group (order by seconds) as usual from (
        select extract(epoch from r.ended_at - (select min(s.started_at) from run_steps s where s.run_id = r.id))::float as seconds
        from runs r
        where r.tenant = ${tenant} and r.recipe = ${recipe} and r.environment = ${environment} and r.placement = ${placement}
          and r.phase = 'completed'
        order by r.ordinal desc limit ${sql.lit(lookedAt)}
      ) last
    `.execute(queryable);
    const usual = rows[0]?.usual ?? 0;
    known.set(key, usual);
    return usual;
  };
}
