import { setTimeout as delay } from 'node:timers/promises';

import { create, toJsonString } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type BakeStanding,
  BakeStandingSchema,
  type WatchBakesRequest,
  type WatchBakesResponse,
  WatchBakesResponseSchema,
} from '@murmur/api';
import { sql } from 'kysely';

import { matchesAnyPattern } from '../../database/name-patterns.js';
import type { Database } from '../../database/tables.js';
import { type Lineage, createUsualTimes } from './usual-time.js';
import type { Changes } from './changes.js';
import { shownLines } from './logs.js';
import type { RunRow } from './runs.js';
import { summaryOf, waitingOf } from './views.js';

/** How long a missed notice can delay a change. */
const lookAgainMs = 5000;

/** A log that grows is looked at this often, not at every line. */
const restMs = 500;

/** The most live bakes that are watched; the oldest of more are left out. */
const mostWatched = 200;

/** What of a line is worth showing in a list. */
const lineLength = 240;

/**
 * The tenant's live bakes of the recipes whose names match these patterns: all of them on the first message, then those
 * that changed, and each that ended once more; without `follow` the first message alone.
 */
export async function* watchRuns(
  { changes, database }: { readonly database: Database; readonly changes: Changes },
  { recipes, tenant }: { readonly tenant: string; readonly recipes: readonly string[] },
  request: Pick<WatchBakesRequest, 'recipe' | 'environment' | 'placement' | 'follow'>,
  signal: AbortSignal,
): AsyncGenerator<WatchBakesResponse> {
  using watch = changes.watchAll();
  const usualTimes = createUsualTimes(database, tenant);
  let shown: ReadonlyMap<string, string> | undefined;
  while (!signal.aborted) {
    const live = await liveRuns();
    const gone = [...(shown?.keys() ?? [])].filter((id) => !live.some((run) => run.id === id));
    const standings = await standingsOf([...live, ...(await runsOf(gone))]);
    const now = new Map(standings.map((standing) => [standing.bake?.runId ?? '', toJsonString(BakeStandingSchema, standing)]));
    const changed = standings.filter(({ bake }) => shown?.get(bake?.runId ?? '') !== now.get(bake?.runId ?? ''));
    if (shown === undefined || changed.length > 0) yield create(WatchBakesResponseSchema, { bakes: changed });
    if (!request.follow) return;
    for (const id of gone) now.delete(id);
    shown = now;
    await watch.wait(lookAgainMs, signal);
    await delay(restMs, undefined, { signal }).catch(() => signal.aborted);
  }

  async function liveRuns(): Promise<readonly RunRow[]> {
    const { environment, placement, recipe } = request;
    // No name holds a NUL, and the database cannot be asked for one.
    if ([recipe, environment, placement].some((name) => name.includes('\0'))) return [];
    let query = database.selectFrom('runs').selectAll().where('tenant', '=', tenant).where('ended_at', 'is', null);
    query = query.where(matchesAnyPattern('recipe', recipes));
    if (recipe !== '') query = query.where('recipe', '=', recipe);
    if (environment !== '') query = query.where('environment', '=', environment);
    if (placement !== '') query = query.where('placement', '=', placement);
    return query.orderBy('ordinal', 'desc').limit(mostWatched).execute();
  }

  async function runsOf(ids: readonly string[]): Promise<readonly RunRow[]> {
    if (ids.length === 0) return [];
    return database.selectFrom('runs').selectAll().where('id', 'in', ids).execute();
  }

  async function standingsOf(runs: readonly RunRow[]): Promise<readonly BakeStanding[]> {
    const ids = runs.map(({ id }) => id);
    const [starts, lines] = await Promise.all([startsOf(ids), shownLines(database, ids, lineLength)]);
    const standings: BakeStanding[] = [];
    for (const run of runs) {
      const start = starts.get(run.id);
      const lineage: Lineage = run;
      standings.push(
        create(BakeStandingSchema, {
          bake: { ...summaryOf(run), waitsFor: await waitingOf(database, run) },
          usualSeconds: await usualTimes(lineage),
          lastLine: lines.get(run.id) ?? '',
          ...(start === undefined ? {} : { startTime: timestampFromDate(start) }),
        }),
      );
    }
    return standings;
  }

  async function startsOf(ids: readonly string[]): Promise<ReadonlyMap<string, Date>> {
    if (ids.length === 0) return new Map();
    const rows = await database
      .selectFrom('run_steps')
      .select(['run_id', sql<Date>`min(started_at)`.as('start')])
      .where('run_id', 'in', ids)
      .groupBy('run_id')
      .execute();
    return new Map(rows.map(({ run_id: id, start }) => [id, start]));
  }
}
