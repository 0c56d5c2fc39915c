import { sql } from 'kysely';
import type { Logger } from 'pino';

import type { Database, DatabaseTransaction } from '../../database/tables.js';
import { remark } from '../runs/logs.js';
import { RunLost } from '../runs/lease.js';
import { endRun } from '../runs/runs.js';
import { chooseNext, type Room } from './choose.js';
import { leaveQueue, returnRoom, takenRoom } from './claims.js';
import { type HostRoom, whatIsLacking } from './limits.js';
import { oneAfterAnother } from './one-after-another.js';
import { queueOf, waitsFor, type Waiting } from './queue.js';

/** What tenants are told that the host is short of. */
const diskSpace = "enough free disk space on the server's host";

/** What admission needs of the server. */
export interface AdmissionParts {
  readonly database: Database;
  readonly room: HostRoom;
  readonly log: Logger;
  /** Starts the workflow of a run that has room. */
  begin(runId: string): Promise<void>;
}

/** Lets machines in on this server's host while there is room for them. */
export interface Admission {
  /** Writes down what this host gives out, from now on. */
  open(): Promise<void>;
  /** Lets in whoever is next, as far as there is room. To be called when something changes, and now and then. */
  look(): Promise<void>;
}

/** The admission of this server's host. What it decides is in the database, and holds whatever becomes of this process. */
export function createAdmission(parts: AdmissionParts): Admission {
  const { database, room } = parts;
  let wasShort = false;
  return {
    open: () => writeRoom(database, room),
    look: oneAfterAnother(async () => {
      if (!(await anybodyWaits(database, room.host))) return;
      const shortage = await room.disk.shortage();
      if (shortage !== undefined && !wasShort) parts.log.warn({ shortage }, 'no machine is started before there is disk space again');
      wasShort = shortage !== undefined;
      const { admitted, left } = await database
        .transaction()
        .execute((trx) => admit(trx, room.host, shortage === undefined ? null : diskSpace));
      for (const { id, kind } of admitted) if (kind === 'bake') await start(parts, id);
      for (const waiting of left) if (waiting.kind === 'bake') await tell(parts, waiting);
    }),
  };
}

async function writeRoom(database: Database, { host, machines, perTenant }: HostRoom): Promise<void> {
  const room = { memory_mb: machines.memoryMb, vcpus: machines.vcpus, tenant_machines: perTenant.machines ?? null, held_up: null };
  await database.transaction().execute(async (trx) => {
    await trx
      .insertInto('host_room')
      .values({ host, ...room })
      .onConflict((conflict) => conflict.column('host').doUpdateSet(room))
      .execute();
    // Whoever waited to try an image has gone with the process before this one.
    await trx.deleteFrom('room_claims').where('host', '=', host).where('kind', '=', 'try').where('admitted_at', 'is', null).execute();
    // Bakes of a version that knew no queue have their machines already.
    await sql`
      insert into room_claims (id, kind, tenant, host, memory_mb, vcpus, admitted_at)
      select id, 'bake', tenant, ${host}, (inputs ->> 'memoryMb')::bigint, (inputs ->> 'vcpus')::integer, clock_timestamp()
      from runs where ended_at is null and executor = ${host} and host = ${host} and inputs ? 'memoryMb'
      on conflict do nothing
    `.execute(trx);
  });
}

async function anybodyWaits(database: Database, host: string): Promise<boolean> {
  const waiting = await database
    .selectFrom('room_claims')
    .select('id')
    .where('host', '=', host)
    .where('admitted_at', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return waiting !== undefined;
}

async function admit(
  trx: DatabaseTransaction,
  host: string,
  heldUp: string | null,
): Promise<{ admitted: readonly Waiting[]; left: readonly Waiting[] }> {
  // Holds the host's row: a second process that takes itself for the same server decides after this one, on what this one decided.
  const written = await trx
    .updateTable('host_room')
    .set({ held_up: heldUp })
    .where('host', '=', host)
    .returningAll()
    .executeTakeFirstOrThrow();
  await returnRoom(trx);
  const queue = await queueOf(trx, host);
  if (heldUp !== null) return { admitted: [], left: queue };
  const room: Room = { memoryMb: written.memory_mb, vcpus: written.vcpus, tenantMachines: written.tenant_machines };
  const fitting: Waiting[] = [];
  for (const waiting of queue) {
    const lacking = whatIsLacking(room, waiting);
    if (lacking === undefined) fitting.push(waiting);
    else if (waiting.kind === 'bake') await refuse(trx, waiting.id, lacking);
  }
  const admitted: Waiting[] = [];
  for (const chosen of chooseNext(room, await takenRoom(trx, host), fitting)) {
    const { id, tenant } = chosen;
    const entered = await trx
      .updateTable('room_claims')
      .set({ admitted_at: sql<Date>`clock_timestamp()` })
      .where('id', '=', id)
      .returning('id')
      .executeTakeFirst();
    // Cancelled since the queue was read.
    if (entered === undefined) continue;
    admitted.push(chosen);
    await trx
      .insertInto('room_turns')
      .values({ host, tenant, last_at: sql<Date>`clock_timestamp()` })
      .onConflict((conflict) => conflict.columns(['host', 'tenant']).doUpdateSet({ last_at: sql<Date>`clock_timestamp()` }))
      .execute();
  }
  return { admitted, left: await queueOf(trx, host) };
}

/** Ends a bake that waits for more than there is since the operator lowered the limits. */
async function refuse(trx: DatabaseTransaction, runId: string, lacking: string): Promise<void> {
  const run = await trx.selectFrom('runs').select('epoch').where('id', '=', runId).forUpdate().executeTakeFirst();
  if (run === undefined || !(await leaveQueue(trx, runId))) return;
  await endRun(
    trx,
    { runId, executor: null, epoch: run.epoch },
    { phase: 'failed', error: `the machine never finds room on this host: ${lacking}` },
  );
}

async function start({ begin, log }: AdmissionParts, runId: string): Promise<void> {
  try {
    await begin(runId);
  } catch (error) {
    // It is let in all the same: as after a crash here, the sweeper finds a run without a workflow and starts that.
    log.warn({ err: error, run: runId }, 'the workflow of a bake did not start at once');
  }
}

/** Says in a bake's log how many are ahead of it: at first, and each time only half as many are. */
async function tell({ database }: AdmissionParts, { ahead, id, toldAhead }: Waiting): Promise<void> {
  if (toldAhead !== null && (ahead === toldAhead || ahead * 2 > toldAhead)) return;
  const text = await waitsFor(database, id);
  const run = await database.selectFrom('runs').select('epoch').where('id', '=', id).executeTakeFirst();
  if (text === undefined || run === undefined) return;
  try {
    await remark(database, { runId: id, executor: null, epoch: run.epoch }, text);
  } catch (error) {
    // Let in, or cancelled, since.
    if (!(error instanceof RunLost)) throw error;
  }
  await database.updateTable('room_claims').set({ told_ahead: ahead }).where('id', '=', id).execute();
}
