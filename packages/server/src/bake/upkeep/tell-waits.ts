import { formatDuration } from '@murmur/api';
import { type RawBuilder, sql } from 'kysely';
import type { Logger } from 'pino';

import type { Database, DatabaseTransaction } from '../../database/tables.js';
import { liveHosts } from '../hosts/live-hosts.js';
import { waitsFor } from '../room/queue.js';
import { remark } from '../runs/logs.js';
import { bakeSteps } from '../workflow/bake.js';

/** What the runs that this process works on wait for just now, where their step alone does not tell. */
export type WaitNotes = Map<string, string>;

/** What telling needs of the server. */
export interface TellParts {
  readonly database: Database;
  readonly hostId: string;
  readonly notes: ReadonlyMap<string, string>;
  readonly log: Logger;
}

/** With the time between two looks this makes a line at least every minute. */
const usualQuietSeconds = 45;
/** More of them are told at the next look. */
const mostAtOnce = 200;

/** What the workflow waits for while it does something that is no step of its own. */
const betweenSteps: Readonly<Record<string, string>> = {
  undo: 'what the attempt made to be removed',
  clear: 'what an earlier beginning made to be removed',
};

/**
 * Says in the log of each live run that has been quiet for a while what it waits for, and how long so far: whoever follows it
 * sees that it is not forgotten. A script that prints nothing is no wait of ours. Each host speaks for what it has, and any for what
 * nobody has.
 */
export async function tellWaits({ database, hostId, log, notes }: TellParts, quietSeconds: number = usualQuietSeconds): Promise<void> {
  const quiet = await database
    .selectFrom('runs')
    .select('id')
    .where('ended_at', 'is', null)
    .where((where) => where.or([where('executor', 'is', null), where('executor', '=', hostId)]))
    .where(isQuiet(quietSeconds))
    .orderBy('ordinal')
    .limit(mostAtOnce)
    .execute();
  for (const { id } of quiet) {
    try {
      await database.transaction().execute((trx) => tellWait(trx, id, { hostId, note: notes.get(id), quietSeconds }));
    } catch (error) {
      log.warn({ err: error, run: id }, 'what a bake waits for was not said in its log');
    }
  }
}

/** Since when a run has been at what it is at: the start of its step, or the end of the last one. */
const standsSince = sql<Date>`coalesce(
  (select coalesce(ended_at, started_at) from run_steps where run_id = runs.id order by started_at desc limit 1), created_at)`;
const lastLineAt = sql<Date>`coalesce((select at from run_log where run_id = runs.id order by start_offset desc limit 1), created_at)`;

function isQuiet(seconds: number): RawBuilder<boolean> {
  return sql<boolean>`clock_timestamp() - greatest(${lastLineAt}, ${standsSince}) >= make_interval(secs => ${seconds})`;
}

async function tellWait(
  trx: DatabaseTransaction,
  id: string,
  { hostId, note, quietSeconds }: { readonly hostId: string; readonly note: string | undefined; readonly quietSeconds: number },
): Promise<void> {
  const run = await trx
    .selectFrom('runs')
    .select(['executor', 'epoch', 'host', 'substrate'])
    .select(sql<number>`extract(epoch from clock_timestamp() - ${standsSince})::float`.as('seconds'))
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .where(isQuiet(quietSeconds))
    .forUpdate()
    // Whoever has it says something, or ends it.
    .skipLocked()
    .executeTakeFirst();
  if (run === undefined) return;
  const { epoch, executor } = run;
  const what =
    executor === null
      ? await unheldWait(trx, id, run)
      : executor === hostId
        ? ((note === undefined ? undefined : `waiting for ${note}`) ?? (await stepWait(trx, id)))
        : undefined;
  if (what === undefined) return;
  const soFar = formatDuration(BigInt(Math.max(1, Math.round(run.seconds))) * 1_000_000_000n);
  await remark(trx, { runId: id, executor, epoch }, `${what}, ${soFar} so far`);
}

async function unheldWait(
  trx: DatabaseTransaction,
  id: string,
  { host, substrate }: { readonly host: string | null; readonly substrate: string },
): Promise<string | undefined> {
  const queued = await waitsFor(trx, id);
  if (queued !== undefined) return queued;
  if (host === null) return `waiting for a server that bakes on SUBSTRATE_${substrate}`;
  if ((await liveHosts(trx)).has(host)) return 'waiting for its server to go on';
  const { name } = (await trx.selectFrom('hosts').select('name').where('id', '=', host).executeTakeFirst()) ?? { name: '' };
  return `waiting for host ${name === '' ? host : name}, which does not answer`;
}

async function stepWait(trx: DatabaseTransaction, id: string): Promise<string | undefined> {
  const last = await trx
    .selectFrom('run_steps')
    .select(['step', 'ended_at'])
    .where('run_id', '=', id)
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (last === undefined) return 'waiting for its server to go on';
  if (last.ended_at !== null) return `waiting for ${last.step === 'undo' ? 'the next attempt' : 'its server to go on'}`;
  const awaited = betweenSteps[last.step] ?? bakeSteps.find(({ name }) => name === last.step)?.waitsFor;
  return awaited === undefined ? undefined : `waiting for ${awaited}`;
}
