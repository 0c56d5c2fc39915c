import { type Selectable, sql } from 'kysely';

import type { Database, DatabaseTransaction, Queryable, Tables } from '../../database/tables.js';
import { type Holder, type Lease, RunLost } from './lease.js';
import type { RunInputs } from '../starting/run-inputs.js';

/** Where a run can be; the last three are its ends. */
export const allPhases = ['queued', 'launching', 'provisioning', 'capturing', 'registering', 'completed', 'failed', 'cancelled'] as const;

/** Where a run is. */
export type Phase = (typeof allPhases)[number];

/** A run as the database holds it. */
export type RunRow = Selectable<Tables['runs']>;

/** The channel that PostgreSQL's NOTIFY tells changed runs on. */
export const runsChannel = 'murmur_runs';

/** Tells every server, when the transaction commits, that a run or its log changed. */
export async function notifyRun(queryable: Queryable, runId: string): Promise<void> {
  await sql`select pg_notify(${runsChannel}, ${runId})`.execute(queryable);
}

/** What the steps need of a run, in the shape it was frozen in. */
export function inputsOf(run: RunRow): RunInputs {
  return run.inputs as unknown as RunInputs;
}

/** A run that is known to exist. */
export function readRun(queryable: Queryable, runId: string): Promise<RunRow> {
  return queryable.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirstOrThrow();
}

/** Moves a run on to a step: its phase, its attempt, the step's start. Returns the run and how long the step has been watched before. */
export async function enterStep(
  database: Database,
  lease: Lease,
  step: { name: string; phase: Phase; attempt: number },
): Promise<{ run: RunRow; watchedMs: number }> {
  return database.transaction().execute(async (trx) => {
    const before = await trx.selectFrom('runs').select(['attempt', 'phase']).where('id', '=', lease.runId).forUpdate().executeTakeFirst();
    const run = await trx
      .updateTable('runs')
      .set({
        phase: step.phase,
        attempt: step.attempt,
        // A fresh machine's output starts at zero; the log before it stays.
        ...(before !== undefined && before.attempt < step.attempt ? { guest_offset: 0 } : {}),
      })
      .where('id', '=', lease.runId)
      .where('executor', '=', lease.executor)
      .where('epoch', '=', lease.epoch)
      .where('ended_at', 'is', null)
      .returningAll()
      .executeTakeFirst();
    if (run === undefined) throw new RunLost(lease.runId);
    const timing = await trx
      .insertInto('run_steps')
      .values({ run_id: lease.runId, attempt: step.attempt, step: step.name })
      // Changes nothing, so that the row there is comes back.
      .onConflict((conflict) => conflict.columns(['run_id', 'attempt', 'step']).doUpdateSet({ step: step.name }))
      .returning('watched_ms')
      .executeTakeFirstOrThrow();
    if (before?.phase !== step.phase) await notifyRun(trx, lease.runId);
    return { run, watchedMs: timing.watched_ms };
  });
}

/** Writes down that a step has ended. */
export async function leaveStep(queryable: Queryable, lease: Lease, step: { name: string; attempt: number }): Promise<void> {
  await queryable
    .updateTable('run_steps')
    .set({ ended_at: sql<Date>`clock_timestamp()` })
    .where('run_id', '=', lease.runId)
    .where('attempt', '=', step.attempt)
    .where('step', '=', step.name)
    .execute();
}

/** Writes down how long a step has been watched, all in all, for whoever goes on with it. */
export async function noteWatched(queryable: Queryable, lease: Lease, step: { name: string; attempt: number }, ms: number): Promise<void> {
  await queryable
    .updateTable('run_steps')
    .set({ watched_ms: Math.round(ms) })
    .where('run_id', '=', lease.runId)
    .where('attempt', '=', step.attempt)
    .where('step', '=', step.name)
    .execute();
}

/** How a run ends. */
export interface RunEnd {
  readonly phase: 'completed' | 'failed' | 'cancelled';
  readonly error?: string | undefined;
  /** A failed machine that stays up for a person. */
  readonly kept?: { readonly seconds: number; readonly shell: string } | undefined;
}

/** Ends a run: its variables are gone and what it used is free. Throws {@link RunLost} when the lease no longer holds. */
export async function endRun(trx: DatabaseTransaction, lease: Holder, end: RunEnd): Promise<void> {
  const ended = await trx
    .updateTable('runs')
    .set({
      phase: end.phase,
      // PostgreSQL's text holds no NUL.
      error: end.error?.replaceAll('\0', '\uFFFD') ?? null,
      sealed_variables: null,
      ended_at: sql<Date>`now()`,
      ...(end.kept === undefined
        ? {}
        : { kept_shell: end.kept.shell, kept_until: sql<Date>`now() + make_interval(secs => ${end.kept.seconds})` }),
    })
    .where('id', '=', lease.runId)
    .where('executor', 'is not distinct from', lease.executor)
    .where('epoch', '=', lease.epoch)
    .where('ended_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (ended === undefined) throw new RunLost(lease.runId);
  await trx.deleteFrom('run_references').where('run_id', '=', lease.runId).execute();
  await notifyRun(trx, lease.runId);
}
