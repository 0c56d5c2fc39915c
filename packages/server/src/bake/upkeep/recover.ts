import { sql } from 'kysely';
import type { Logger } from 'pino';

import type { Database } from '../../database/tables.js';
import type { Substrate, SubstrateName } from '../../substrates/substrate.js';
import { beginAnew } from '../hosts/begin-anew.js';
import { takeInHomeless } from '../hosts/take-in.js';
import { liveHosts, liveInstances } from '../hosts/live-hosts.js';
import type { Admission } from '../room/admission.js';
import type { ActiveRuns } from '../runs/active-runs.js';
import { remark } from '../runs/logs.js';
import { endRun, notifyRun } from '../runs/runs.js';
import { type Beginning, beginningOf } from '../workflow/beginning.js';
import type { WorkflowEngine } from '../workflow/workflow-engine.js';

/** One server at a time takes runs over. */
const takeOverLock = 7_242_611_001;

/** What recovery needs of the server. */
export interface RecoverParts {
  readonly database: Database;
  readonly engine: Pick<WorkflowEngine, 'start' | 'resume' | 'standing'>;
  readonly hostId: string;
  /** What this server can bake on. */
  readonly substrates: ReadonlyMap<SubstrateName, Pick<Substrate, 'local'>>;
  readonly active: Pick<ActiveRuns, 'has'>;
  readonly admission: Pick<Admission, 'look'>;
  readonly log: Logger;
}

/** A run that this many looks in a row found without anybody working on it is started over. */
const mostIdleLooks = 4;

/**
 * Makes the look that frees the runs of hosts that are away and sees to it that every live run that this host can go on with
 * has a workflow that does. To be taken every few seconds.
 */
export function createRecovery(parts: RecoverParts): () => Promise<void> {
  const idleLooks = new Map<string, number>();
  return async () => {
    await freeRunsOfTheAway(parts);
    await endCancelledOfTheAway(parts);
    if (await takeInHomeless(parts)) await parts.admission.look();
    const runs = await runsToCarryOn(parts);
    const idle = runs.filter(({ runId }) => !parts.active.has(runId));
    const known = new Set(idle.map(({ runId }) => runId));
    for (const id of idleLooks.keys()) if (!known.has(id)) idleLooks.delete(id);
    for (const beginning of idle) {
      const looks = (idleLooks.get(beginning.runId) ?? 0) + 1;
      idleLooks.set(beginning.runId, looks);
      await carryOn(parts, beginning, looks);
    }
  };
}

/** The runs whose machines are here, and those of no host that are on a substrate of this server. */
async function runsToCarryOn({ database, hostId, substrates }: RecoverParts): Promise<readonly Beginning[]> {
  const rows = await database
    .selectFrom('runs')
    .select(['id', 'begun', 'first_attempt'])
    .where('ended_at', 'is', null)
    .where((where) => where.or([where('executor', 'is', null), where('executor', '=', hostId)]))
    .where((where) =>
      where.or([where('host', '=', hostId), where.and([where('host', 'is', null), where('substrate', 'in', ['', ...substrates.keys()])])]),
    )
    // What waits for room has no workflow yet.
    .where(sql<boolean>`not exists (select from room_claims c where c.id = runs.id and c.admitted_at is null)`)
    .orderBy('ordinal')
    .execute();
  return rows.map(beginningOf);
}

async function freeRunsOfTheAway({ database, hostId, log }: RecoverParts): Promise<void> {
  await database.transaction().execute(async (trx) => {
    const { rows } = await sql<{ locked: boolean }>`select pg_try_advisory_xact_lock(${takeOverLock}) as locked`.execute(trx);
    if (rows[0]?.locked !== true) return;
    const live = [...(await liveHosts(trx)), hostId];
    const freed = await trx
      .updateTable('runs')
      .set({ executor: null, epoch: sql<number>`epoch + 1` })
      .where('ended_at', 'is', null)
      .where('executor', 'is not', null)
      .where('executor', 'not in', live)
      .returning(['id', 'epoch', 'host'])
      .execute();
    for (const { epoch, host, id } of freed) {
      if (host === null) log.warn({ run: id, epoch }, 'the server of a bake is away; another takes it over');
      else {
        const { name } = (await trx.selectFrom('hosts').select('name').where('id', '=', host).executeTakeFirst()) ?? { name: '' };
        log.warn({ run: id, epoch, host: name }, 'the host of a bake is away; the bake waits for it');
        await remark(trx, { runId: id, executor: null, epoch }, `host ${name === '' ? host : name} does not answer; the bake waits for it`);
      }
      await notifyRun(trx, id);
    }
  });
}

/** Nobody else would end a cancelled run whose host is away. What it made there goes when that host is back. */
async function endCancelledOfTheAway({ database, hostId, log }: RecoverParts): Promise<void> {
  const live = [...(await liveHosts(database)), hostId];
  const cancelled = await database
    .selectFrom('runs')
    .select('id')
    .where('ended_at', 'is', null)
    .where('cancel_requested_at', 'is not', null)
    .where('executor', 'is', null)
    .where('host', 'not in', live)
    .execute();
  for (const { id } of cancelled) {
    log.info({ run: id }, 'a bake whose host is away was cancelled');
    await endUnheld(database, id, { phase: 'cancelled' });
  }
}

async function carryOn(parts: RecoverParts, beginning: Beginning, looks: number): Promise<void> {
  const { engine, log } = parts;
  const { runId } = beginning;
  const standing = await engine.standing(beginning);
  if (standing.kind === 'ended') {
    log.error({ run: runId }, 'the workflow of a bake ended before the bake did');
    // A workflow that ended without ending its run met a fault of ours; nothing would ever end it. The reaper cleans up.
    return endUnheld(parts.database, runId, { phase: 'failed', error: 'internal error: see the log of the server' });
  }
  // Whoever has it is only just starting or resuming it, unless that lasts.
  const awaited = looks < mostIdleLooks && (await isAwaited(parts, standing));
  if (awaited || (standing.kind === 'waiting' && standing.here && standing.shape === 'ours')) return;
  if (standing.kind === 'absent') {
    log.info({ run: runId }, 'starting the workflow of a bake that had none');
    return engine.start(beginning);
  }
  if (!(await take(parts, beginning))) return;
  if (standing.shape === 'ours') return engine.resume(beginning);
  log.warn({ run: runId }, 'a bake was begun under other steps than this version has; it begins anew');
  await parts.database.transaction().execute((trx) => beginAnew(trx, runId, 'the server was replaced by one of another version'));
}

async function isAwaited({ database }: RecoverParts, standing: Awaited<ReturnType<WorkflowEngine['standing']>>): Promise<boolean> {
  if (standing.kind === 'held') return (await liveInstances(database)).has(standing.instance);
  return standing.kind === 'waiting' && !standing.here;
}

/** Takes a run that nobody works on. False when another server was quicker, or has begun it anew. */
async function take({ database, hostId }: RecoverParts, { begun, runId }: Beginning): Promise<boolean> {
  const taken = await database
    .updateTable('runs')
    .set({ executor: hostId, epoch: sql<number>`epoch + 1` })
    .where('id', '=', runId)
    .where('begun', '=', begun)
    .where('ended_at', 'is', null)
    .where((where) => where.or([where('executor', 'is', null), where('executor', '=', hostId)]))
    .returning('id')
    .executeTakeFirst();
  return taken !== undefined;
}

async function endUnheld(database: Database, runId: string, end: { phase: 'failed' | 'cancelled'; error?: string }): Promise<void> {
  await database.transaction().execute(async (trx) => {
    const run = await trx
      .selectFrom('runs')
      .select(['executor', 'epoch'])
      .where('id', '=', runId)
      .where('ended_at', 'is', null)
      .forUpdate()
      .executeTakeFirst();
    if (run !== undefined) await endRun(trx, { runId, ...run }, end);
  });
}
