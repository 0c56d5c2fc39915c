import { sql } from 'kysely';
import type { Logger } from 'pino';

import type { Database } from '../../database/tables.js';
import type { ActiveRuns } from '../runs/active-runs.js';
import { notifyRun } from '../runs/runs.js';
import type { WorkflowEngine } from '../workflow/workflow-engine.js';
import { liveExecutors } from './executors.js';

/** One server at a time takes runs over. */
const takeOverLock = 7_242_611_001;

/** What recovery needs of the server. */
export interface RecoverParts {
  readonly database: Database;
  readonly engine: Pick<WorkflowEngine, 'start' | 'resume' | 'standing'>;
  readonly executorId: string;
  readonly active: Pick<ActiveRuns, 'has'>;
  readonly log: Logger;
}

/** A run that this many looks in a row found without anybody working on it is started over. */
const mostIdleLooks = 4;

/**
 * Makes the look that frees the runs of dead executors and sees to it that every live run has a workflow that goes on. To be
 * taken every few seconds.
 */
export function createRecovery(parts: RecoverParts): () => Promise<void> {
  const idleLooks = new Map<string, number>();
  return async () => {
    await freeRunsOfTheDead(parts);
    const runs = await parts.database
      .selectFrom('runs')
      .select(['id', 'executor'])
      .where('ended_at', 'is', null)
      .where((where) => where.or([where('executor', 'is', null), where('executor', '=', parts.executorId)]))
      // What waits for room has no workflow yet.
      .where(sql<boolean>`not exists (select from room_claims c where c.id = runs.id and c.admitted_at is null)`)
      .orderBy('ordinal')
      .execute();
    const idle = runs.filter(({ id }) => !parts.active.has(id));
    const known = new Set(idle.map(({ id }) => id));
    for (const id of idleLooks.keys()) if (!known.has(id)) idleLooks.delete(id);
    for (const { id } of idle) {
      const looks = (idleLooks.get(id) ?? 0) + 1;
      idleLooks.set(id, looks);
      await carryOn(parts, id, looks);
    }
  };
}

async function freeRunsOfTheDead({ database, executorId, log }: RecoverParts): Promise<void> {
  await database.transaction().execute(async (trx) => {
    const { rows } = await sql<{ locked: boolean }>`select pg_try_advisory_xact_lock(${takeOverLock}) as locked`.execute(trx);
    if (rows[0]?.locked !== true) return;
    const live = [...(await liveExecutors(trx)), executorId];
    const freed = await trx
      .updateTable('runs')
      .set({ executor: null, epoch: sql<number>`epoch + 1` })
      .where('ended_at', 'is', null)
      .where('executor', 'is not', null)
      .where('executor', 'not in', live)
      .returning(['id', 'epoch'])
      .execute();
    for (const { id, epoch } of freed) {
      log.warn({ run: id, epoch }, 'the executor of a bake is dead; another takes it over');
      await notifyRun(trx, id);
    }
  });
}

async function carryOn(parts: RecoverParts, runId: string, looks: number): Promise<void> {
  const { database, engine, executorId, log } = parts;
  const standing = await engine.standing(runId);
  if (standing.kind === 'waiting') return;
  if (standing.kind === 'ended') return giveUp(parts, runId);
  if (standing.kind === 'absent') {
    log.info({ run: runId }, 'starting the workflow of a bake that had none');
    return engine.start(runId);
  }
  const holderLives = standing.executor === executorId || (await liveExecutors(database)).has(standing.executor);
  // A holder that lives is only just starting or resuming it, unless that lasts.
  if (holderLives && looks < mostIdleLooks) return;
  await free(database, runId);
  await engine.resume(runId);
}

async function free(database: Database, runId: string): Promise<void> {
  await database
    .updateTable('runs')
    .set({ executor: null, epoch: sql<number>`epoch + 1` })
    .where('id', '=', runId)
    .where('executor', 'is not', null)
    .where('ended_at', 'is', null)
    .execute();
}

/** A workflow that ended without ending its run met a fault of ours; nothing would ever end it. The reaper cleans up. */
async function giveUp({ database, log }: RecoverParts, runId: string): Promise<void> {
  log.error({ run: runId }, 'the workflow of a bake ended before the bake did');
  await database.transaction().execute(async (trx) => {
    const ended = await trx
      .updateTable('runs')
      .set({ phase: 'failed', error: 'internal error: see the log of the server', sealed_variables: null, ended_at: sql<Date>`now()` })
      .where('id', '=', runId)
      .where('ended_at', 'is', null)
      .returning('id')
      .executeTakeFirst();
    if (ended === undefined) return;
    await trx.deleteFrom('run_references').where('run_id', '=', runId).execute();
    await notifyRun(trx, runId);
  });
}
