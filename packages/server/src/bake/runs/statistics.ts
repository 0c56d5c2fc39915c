import { create } from '@bufbuild/protobuf';
import { type GetBakeStatisticsRequest, type GetBakeStatisticsResponse, GetBakeStatisticsResponseSchema, MurmurError } from '@murmur/api';
import { sql } from 'kysely';

import { matchesAnyPattern } from '../../database/name-patterns.js';
import type { Queryable } from '../../database/tables.js';

const usualDays = 14;
const mostDays = 90;

interface DayRow {
  readonly date: string;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly live: number;
  readonly answered: number;
  readonly median: number;
}

/** What became of the tenant's bakes, day by day: those of the recipes whose names match these patterns. Throws INVALID_ARGUMENT. */
export async function bakeStatistics(
  queryable: Queryable,
  { recipes, tenant }: { readonly tenant: string; readonly recipes: readonly string[] },
  request: Pick<GetBakeStatisticsRequest, 'days' | 'recipe'>,
): Promise<GetBakeStatisticsResponse> {
  const days = request.days === 0 ? usualDays : request.days;
  if (!Number.isInteger(days) || days < 1 || days > mostDays) {
    throw new MurmurError('INVALID_ARGUMENT', `days must be between 1 and ${mostDays}`);
  }
  // No name holds a NUL, and the database cannot be asked for one.
  if (request.recipe.includes('\0')) return create(GetBakeStatisticsResponseSchema);
  const of = (column: string) =>
    request.recipe === '' ? matchesAnyPattern(column, recipes) : sql<boolean>`${sql.ref(column)} = ${request.recipe}`;
  const { rows } = await sql<DayRow>`
    with span as (
      select generate_series(today - ${days - 1}::int, today, interval '1 day')::date as day
      from (select (now() at time zone 'UTC')::date as today) clock
    ),
    first as (select min(day)::timestamp at time zone 'UTC' as at from span),
    baked as (
      select (created_at at time zone 'UTC')::date as day, phase, ended_at, extract(epoch from ended_at - created_at)::float as seconds
      from runs where tenant = ${tenant} and created_at >= (select at from first) and ${of('recipe')}
    ),
    asked as (
      select (e.at at time zone 'UTC')::date as day
      from audit_entries e join audit_outcomes o on o.entry = e.id
      where e.tenant = ${tenant} and e.action = 'StartBake' and e.at >= (select at from first)
        and o.code = 'OK' and o.made_name = '' and ${of('name')}
    )
    select to_char(span.day, 'YYYY-MM-DD') as date,
      (count(*) filter (where phase = 'completed'))::int as completed,
      (count(*) filter (where phase = 'failed'))::int as failed,
      (count(*) filter (where phase = 'cancelled'))::int as cancelled,
      (count(*) filter (where phase is not null and ended_at is null))::int as live,
      (select count(*) from asked where asked.day = span.day)::int as answered,
      coalesce(percentile_cont(0.5) within group (order by seconds) filter (where phase = 'completed'), 0) as median
    from span left join baked on baked.day = span.day
    group by span.day order by span.day
  `.execute(queryable);
  return create(GetBakeStatisticsResponseSchema, { days: rows.map(({ median, ...day }) => ({ ...day, medianSeconds: median })) });
}
