import { sql } from 'kysely';
import type { Logger } from 'pino';

import type { Database, DatabaseTransaction } from '../../database/tables.js';
import type { WorkflowEngine } from '../workflow/workflow-engine.js';

/** So many runs are looked at, and so many rows removed, in one transaction: a fraction of a second, so that nobody waits. */
const runsAtOnce = 200;
const logRowsAtOnce = 500;
const auditRowsAtOnce = 2000;

/** One server at a time removes what is old. */
const retentionLock = 7_242_611_003;

/** How many seconds what has ended is kept; undefined is for ever. */
export interface Retention {
  readonly runsSeconds: number | undefined;
  readonly logsSeconds: number | undefined;
  readonly auditSeconds: number | undefined;
}

/** What removing what is old needs of the server. */
export interface RetentionParts {
  readonly database: Database;
  readonly engine: Pick<WorkflowEngine, 'forget'>;
  readonly retention: Retention;
  readonly log: Logger;
}

/** How much a round removed, in rows. */
export interface Removed {
  readonly runs: number;
  readonly logRows: number;
  readonly auditEntries: number;
}

/**
 * Removes the logs, runs and audit entries that are older than they are kept, and what belongs to them, in small transactions.
 * The run of an image that the catalog still has stays, without its log. Ends early, between two transactions, by its signal.
 */
export async function removeOld(parts: RetentionParts, signal: AbortSignal): Promise<Removed> {
  const { auditSeconds, logsSeconds, runsSeconds } = parts.retention;
  const logRows = logsSeconds === undefined ? 0 : await removeLogs(parts, logsSeconds, signal);
  const runs = runsSeconds === undefined ? 0 : await removeRuns(parts, runsSeconds, signal);
  const auditEntries = auditSeconds === undefined ? 0 : await removeAudit(parts, auditSeconds, signal);
  if (logRows + runs + auditEntries > 0) parts.log.info({ runs, logRows, auditEntries }, 'removed what is older than it is kept');
  return { runs, logRows, auditEntries };
}

/** Does one piece after another, each in a transaction of its own, until one says that it was the last. */
async function inPieces(
  database: Database,
  signal: AbortSignal,
  piece: (trx: DatabaseTransaction) => Promise<'more' | 'done'>,
): Promise<void> {
  let state: 'more' | 'done' = 'more';
  while (state === 'more' && !signal.aborted) {
    state = await database.transaction().execute(async (trx) => {
      const { rows } = await sql<{ locked: boolean }>`select pg_try_advisory_xact_lock(${sql.lit(retentionLock)}) as locked`.execute(trx);
      return rows[0]?.locked === true ? piece(trx) : 'done';
    });
  }
}

interface EndedRun {
  readonly id: string;
  readonly ended_at: string;
  readonly ordinal: number;
  readonly begun: number;
  /** Nothing outside that may be of this run, no kept machine, and no image of it in the catalog. */
  readonly done: boolean;
}

/** Walks the runs that ended so long ago, oldest first. */
function overEndedRuns(seconds: number): (trx: DatabaseTransaction) => Promise<readonly EndedRun[]> {
  let after: EndedRun | undefined;
  return async (trx) => {
    const { rows } = await sql<EndedRun>`
      select id, ended_at::text as ended_at, ordinal, begun, kept_until is null
        and not exists (select from intents i where i.run_id = runs.id and i.settled_at is null)
        and not exists (
          select from artifacts a join resources r on r.tenant = a.tenant and r.kind = 'image' and r.name = a.image_name
          where a.run_id = runs.id
        ) as done
      from runs
      where ended_at < now() - make_interval(secs => ${seconds})
        and ${after === undefined ? sql`true` : sql`(ended_at, ordinal) > (${after.ended_at}::timestamptz, ${after.ordinal})`}
      order by ended_at, ordinal limit ${runsAtOnce}
    `.execute(trx);
    after = rows.at(-1);
    return rows;
  };
}

async function removeLogs({ database }: RetentionParts, seconds: number, signal: AbortSignal): Promise<number> {
  const next = overEndedRuns(seconds);
  let ids: readonly string[] = [];
  let removed = 0;
  await inPieces(database, signal, async (trx) => {
    if (ids.length === 0) ids = (await next(trx)).map(({ id }) => id);
    if (ids.length === 0) return 'done';
    const count = await removeLogRows(trx, ids);
    removed += count;
    if (count < logRowsAtOnce) ids = [];
    return 'more';
  });
  return removed;
}

async function removeLogRows(trx: DatabaseTransaction, runIds: readonly string[]): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from run_log where ctid = any(array(select ctid from run_log where run_id = any(${runIds}) limit ${logRowsAtOnce}))
  `.execute(trx);
  return Number(numAffectedRows);
}

async function removeRuns({ database, engine }: RetentionParts, seconds: number, signal: AbortSignal): Promise<number> {
  const next = overEndedRuns(seconds);
  let batch: readonly EndedRun[] = [];
  let removed = 0;
  await inPieces(database, signal, async (trx) => {
    if (batch.length === 0) batch = await next(trx);
    if (batch.length === 0) return 'done';
    const done = batch.filter((run) => run.done).map(({ id }) => id);
    // A log that is kept longer than its run goes with it, and before it: by the run's own removal it would go at one stroke.
    if (done.length > 0 && (await removeLogRows(trx, done)) === logRowsAtOnce) return 'more';
    const ids = batch.map(({ id }) => id);
    // First the workflows: without its run nobody would look for one again, and a run that has ended needs none.
    await engine.forget(batch.map(({ begun, id }) => ({ runId: id, begun })));
    await sql`delete from intents where run_id = any(${ids}) and settled_at is not null`.execute(trx);
    if (done.length > 0) removed += Number((await sql`delete from runs where id = any(${done})`.execute(trx)).numAffectedRows ?? 0n);
    batch = [];
    return 'more';
  });
  return removed;
}

async function removeAudit({ database }: RetentionParts, seconds: number, signal: AbortSignal): Promise<number> {
  let removed = 0;
  await inPieces(database, signal, async (trx) => {
    await sql`select set_config('murmur.audit_kept_from', (now() - make_interval(secs => ${seconds}))::text, true)`.execute(trx);
    // By number, which is by age: a look for old times would read the whole table whenever there are none.
    const { rows } = await sql<{ id: number; old: boolean }>`
      select id, at < now() - make_interval(secs => ${seconds}) as old from audit_entries order by id limit ${auditRowsAtOnce}
    `.execute(trx);
    const ids = rows.filter(({ old }) => old).map(({ id }) => id);
    if (ids.length === 0) return 'done';
    await sql`delete from audit_outcomes where entry = any(${ids})`.execute(trx);
    await sql`delete from audit_entries where id = any(${ids})`.execute(trx);
    removed += ids.length;
    return ids.length === auditRowsAtOnce ? 'more' : 'done';
  });
  return removed;
}
