import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

import { MurmurError } from '@murmur/api';
import { type Selectable, sql } from 'kysely';
import type { Logger } from 'pino';

import type { Database, DatabaseTransaction, Tables } from '../../database/tables.js';
import { ownProcess, type ProcessMark, standingOf } from '../../host/own-process.js';
import { awayAfterSeconds } from './live-hosts.js';

/** Which host starts, and as which process. */
export interface Starter {
  /** As `hostIdOf` gives it. */
  readonly hostId: string;
  /** Drawn anew for each process. */
  readonly instance: string;
  /** How the release before called this host; its runs become this host's. */
  readonly formerId?: string | undefined;
}

type HostRow = Selectable<Tables['hosts']>;

/**
 * Makes this process the only one that acts as its host: whatever an earlier one held has no holder now, and what that one
 * still tries fails by its epoch. Where nobody can see whether the earlier one lives, waits until it would have been seen.
 *
 * Throws FAILED_PRECONDITION when it lives: the data folder of one of the two is a copy of the other's.
 */
export async function enrol(database: Database, starter: Starter, log: Logger): Promise<void> {
  let first: HostRow | undefined;
  for (;;) {
    const holder = await database.transaction().execute((trx) => take(trx, starter));
    if (holder === undefined) return;
    const lives = holder.process !== null && (await standingOf(holder.process as unknown as ProcessMark)) === 'alive';
    const moved = first !== undefined && (first.instance !== holder.instance || first.seen_at.getTime() !== holder.seen_at.getTime());
    if (lives || moved) throw held(holder);
    if (first === undefined) log.warn({ host: holder.name }, `another server has lately used this host's id; waiting whether it lives`);
    first ??= holder;
    await delay(1000);
  }
}

/** Takes the host's id unless its holder may live; then returns that. */
async function take(trx: DatabaseTransaction, { formerId, hostId, instance }: Starter): Promise<HostRow | undefined> {
  await trx
    .insertInto('hosts')
    .values({ id: hostId })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await trx.selectFrom('hosts').selectAll().where('id', '=', hostId).forUpdate().executeTakeFirstOrThrow();
  if (row.instance !== null && (await mayLive(trx, row))) return row;
  await takeBack(trx, hostId);
  await trx
    .updateTable('hosts')
    .set({
      name: hostname(),
      instance,
      process: JSON.stringify(await ownProcess()),
      retired_at: null,
      started_at: sql<Date>`clock_timestamp()`,
      seen_at: sql<Date>`clock_timestamp()`,
    })
    .where('id', '=', hostId)
    .execute();
  await freeRuns(trx, hostId);
  if (formerId !== undefined) await inherit(trx, hostId, formerId);
  return undefined;
}

async function mayLive(trx: DatabaseTransaction, row: HostRow): Promise<boolean> {
  if (row.process !== null && (await standingOf(row.process as unknown as ProcessMark)) === 'dead') return false;
  const { rows } = await sql<{ seen: boolean }>`
    select seen_at > clock_timestamp() - make_interval(secs => ${awayAfterSeconds}) as seen from hosts where id = ${row.id}
  `.execute(trx);
  return rows[0]?.seen === true;
}

/** A retired host is back, and so are its images. Those that are really gone are found out by the next look at them. */
async function takeBack(trx: DatabaseTransaction, hostId: string): Promise<void> {
  await sql`
    update artifacts set missing_at = null, checked_at = 'epoch'
    where host = ${hostId} and missing_at = (select retired_at from hosts where id = ${hostId})
  `.execute(trx);
}

/** The process before this one holds nothing any more, and neither does it its trials, whose callers are gone. */
async function freeRuns(trx: DatabaseTransaction, executor: string): Promise<void> {
  await trx
    .updateTable('runs')
    .set({ executor: null, epoch: sql<number>`epoch + 1` })
    .where('executor', '=', executor)
    .where('ended_at', 'is', null)
    .execute();
  await trx.updateTable('trials').set({ executor: null }).where('executor', '=', executor).execute();
}

async function inherit(trx: DatabaseTransaction, hostId: string, formerId: string): Promise<void> {
  await freeRuns(trx, formerId);
  await trx.updateTable('runs').set({ host: hostId }).where('host', '=', formerId).where('ended_at', 'is', null).execute();
  // A name is what only this release writes.
  await trx.deleteFrom('hosts').where('id', '=', formerId).where('name', '=', '').execute();
}

/** Says that this process lives. False when another one is the host now: then this one must stop. */
export async function beat(database: Database, { hostId, instance }: Starter): Promise<boolean> {
  const row = await database
    .updateTable('hosts')
    .set({ seen_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', hostId)
    .where('instance', '=', instance)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Says that this process has stopped, so that the next one need not wait whether it lives. */
export async function signOff(database: Database, { hostId, instance }: Starter): Promise<void> {
  await database.updateTable('hosts').set({ instance: null }).where('id', '=', hostId).where('instance', '=', instance).execute();
}

/** The error of a process whose host id another one holds. */
export function held({ id, name }: Pick<HostRow, 'id' | 'name'>): MurmurError {
  return new MurmurError(
    'FAILED_PRECONDITION',
    `host ${id} is in use by another Murmur server, on ${name === '' ? 'a machine without a name' : name}`,
    {
      hint: 'The data folder of one of the two is a copy of the other. Stop that server, or delete host-id in the copy: it is then a host of its own.',
    },
  );
}
