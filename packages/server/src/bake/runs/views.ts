import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Bake, BakeSchema, type ListBakesRequest, type ListBakesResponse, ListBakesResponseSchema, MurmurError } from '@murmur/api';
import { sql } from 'kysely';

import { pageSizeOf } from '../../catalog/page-size.js';
import { readPageToken, writePageToken } from '../../catalog/page-token.js';
import { matchesAnyPattern } from '../../database/name-patterns.js';
import type { Queryable } from '../../database/tables.js';
import { countedAttempt } from '../workflow/beginning.js';
import { waitsFor } from '../room/queue.js';
import { allPhases, type RunRow } from './runs.js';

/** A run's row is large, and most people look for one of the last. */
const pageSizes = { usual: 25, most: 100 };
/** Runs have one order. */
const order = 'newest';

/** A run as callers see it. */
export async function bakeOf(queryable: Queryable, run: RunRow): Promise<Bake> {
  const steps = await queryable
    .selectFrom('run_steps')
    .select([
      'step',
      'attempt',
      sql<number>`extract(epoch from coalesce(ended_at, ${run.ended_at}::timestamptz, clock_timestamp()) - started_at)::float`.as(
        'seconds',
      ),
    ])
    .where('run_id', '=', run.id)
    .orderBy('started_at')
    .execute();
  return create(BakeSchema, {
    ...summaryOf(run),
    waitsFor: await waitingOf(queryable, run),
    leftBehind: await leftBehind(queryable, run),
    steps: steps.map(({ attempt, ...step }) => ({
      ...step,
      attempt: attempt < run.first_attempt ? attempt : countedAttempt(attempt, run.begun),
    })),
  });
}

/** What a queued run waits for; empty for any other. */
export async function waitingOf(queryable: Queryable, run: RunRow): Promise<string> {
  return (run.phase === 'queued' ? await waitsFor(queryable, run.id) : undefined) ?? '';
}

/** What of an ended run's things is still outside, and why; a kept machine is there on purpose. */
async function leftBehind(queryable: Queryable, run: RunRow): Promise<string> {
  if (run.ended_at === null || run.kept_until !== null) return '';
  const open = await queryable
    .selectFrom('intents')
    .leftJoin('sites', (join) => join.onRef('sites.substrate', '=', 'intents.substrate').onRef('sites.site', '=', 'intents.site'))
    .select(['intents.step', 'sites.fault'])
    .where('intents.run_id', '=', run.id)
    .where('intents.settled_at', 'is', null)
    .execute();
  if (open.length === 0) return '';
  // A site may be several tenants': what is said of their things is none of this one's business.
  const fault = open.flatMap((one) => one.fault?.split('; ') ?? []).find((one) => one.includes(run.id));
  return `what ${[...new Set(open.map(({ step }) => step))].join(' and ')} made is not known to be gone yet${fault === undefined ? '' : `: ${fault}`}`;
}

/** One page of the tenant's runs, newest first: those of the recipes whose names match these patterns, where `*` is any characters. */
export async function listRuns(
  queryable: Queryable,
  tenant: string,
  request: ListBakesRequest,
  recipes: readonly string[] = ['*'],
): Promise<ListBakesResponse> {
  const size = pageSizeOf(request.pageSize, pageSizes);
  const before = request.pageToken === '' ? undefined : readPageToken(request.pageToken, 'bake', order).ordinal;
  // No name holds a NUL, and the database cannot be asked for one.
  if ([request.recipe, request.environment, request.placement].some((name) => name.includes('\0'))) return create(ListBakesResponseSchema);
  let query = queryable.selectFrom('runs').selectAll().where('tenant', '=', tenant).where(matchesAnyPattern('recipe', recipes));
  if (before !== undefined) query = query.where('ordinal', '<', before);
  if (request.runningOnly) query = query.where('ended_at', 'is', null);
  if (request.phases.length > 0) query = query.where('phase', 'in', phasesOf(request));
  if (request.recipe !== '') query = query.where('recipe', '=', request.recipe);
  if (request.environment !== '') query = query.where('environment', '=', request.environment);
  if (request.placement !== '') query = query.where('placement', '=', request.placement);
  const runs = await query
    .orderBy('ordinal', 'desc')
    .limit(size + 1)
    .execute();
  const page = runs.slice(0, size);
  const last = page.at(-1);
  return create(ListBakesResponseSchema, {
    bakes: page.map((run) => create(BakeSchema, summaryOf(run))),
    nextPageToken:
      runs.length > size && last !== undefined ? writePageToken({ kind: 'bake', sort: order, key: last.id, ordinal: last.ordinal }) : '',
  });
}

function phasesOf({ phases }: Pick<ListBakesRequest, 'phases'>): readonly string[] {
  const unknown = phases.find((phase) => !(allPhases as readonly string[]).includes(phase));
  if (unknown === undefined) return phases;
  throw new MurmurError('INVALID_ARGUMENT', `there is no phase ${JSON.stringify(unknown)}`, { hint: `They are ${allPhases.join(', ')}.` });
}

/** What a run's own row says of it. */
export function summaryOf(run: RunRow) {
  // The reaper takes both away when that time is over, by the database's clock.
  const kept = run.kept_until !== null && run.kept_shell !== null;
  return {
    runId: run.id,
    recipe: run.recipe,
    environment: run.environment,
    placement: run.placement,
    imageHash: run.image_hash,
    phase: run.phase,
    createTime: timestampFromDate(run.created_at),
    error: run.error ?? '',
    scope: run.scope,
    artifactName: run.artifact_name,
    imageName: run.image_name,
    attempt: countedAttempt(run.attempt, run.begun),
    author: run.author,
    ...(run.ended_at === null ? {} : { endTime: timestampFromDate(run.ended_at) }),
    ...(kept ? { keptMachine: keptMachine(run.kept_shell, run.kept_until) } : {}),
  };
}

function keptMachine(shellCommand: string | null, until: Date | null): { shellCommand: string; expireTime?: Timestamp } {
  return { shellCommand: shellCommand ?? '', ...(until === null ? {} : { expireTime: timestampFromDate(until) }) };
}
