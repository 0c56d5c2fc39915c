import { type RawBuilder, sql } from 'kysely';

import type { Queryable } from '../../database/tables.js';
import type { Capacity } from '../../host/capacity.js';
import { takenRoom } from './claims.js';

/** A machine in the queue of a host. */
export interface Waiting extends Capacity {
  readonly id: string;
  readonly kind: 'bake' | 'try';
  readonly tenant: string;
  /** How many come before it. */
  readonly ahead: number;
  /** How many there were when the bake's log last said so. */
  readonly toldAhead: number | null;
}

/** No more than these are looked at for letting in; with tenants in turn, each of so many has its oldest among them. */
const mostLookedAt = 2000;

/**
 * The order of a queue: tenants in turn, the one that was let in longest ago first; within a tenant a trial, for which somebody
 * sits and waits, and then by age.
 */
const inOrder = (host: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  select id, kind, tenant, memory_mb, vcpus, told_ahead,
    row_number() over (order by turn, last_at nulls first, asked_at, id) - 1 as ahead
  from (
    select c.*, t.last_at, row_number() over (partition by c.tenant order by c.kind = 'try' desc, c.asked_at, c.id) as turn
    from room_claims c left join room_turns t on t.host = c.host and t.tenant = c.tenant
    where c.host = ${host} and c.admitted_at is null
  ) waiting
`;

interface QueueRow {
  readonly id: string;
  readonly kind: 'bake' | 'try';
  readonly tenant: string;
  readonly memory_mb: number;
  readonly vcpus: number;
  readonly told_ahead: number | null;
  readonly ahead: number;
}

/** The queue of a host, the next one first. */
export async function queueOf(queryable: Queryable, host: string): Promise<readonly Waiting[]> {
  const { rows } = await sql<QueueRow>`${inOrder(sql`${host}`)} order by ahead limit ${mostLookedAt}`.execute(queryable);
  return rows.map(waitingOf);
}

/** What a machine waits for, in words: `queued: 3 ahead`. Undefined when it does not wait. */
export async function waitsFor(queryable: Queryable, id: string): Promise<string | undefined> {
  const host = sql`(select host from room_claims where id = ${id})`;
  const { rows } = await sql<QueueRow>`select * from (${inOrder(host)}) queue where id = ${id}`.execute(queryable);
  const [row] = rows;
  return row === undefined ? undefined : `queued: ${await reasonOf(queryable, waitingOf(row))}`;
}

async function reasonOf(queryable: Queryable, waiting: Waiting): Promise<string> {
  const room = await queryable
    .selectFrom('host_room')
    .selectAll('host_room')
    .innerJoin('room_claims', 'room_claims.host', 'host_room.host')
    .where('room_claims.id', '=', waiting.id)
    .executeTakeFirst();
  // Let in just now.
  if (room === undefined) return 'about to start';
  const taken = await takenRoom(queryable, room.host);
  const own = taken.find(({ tenant }) => tenant === waiting.tenant)?.machines ?? 0;
  if (room.tenant_machines !== null && own >= room.tenant_machines) return `${own} machines of this tenant run, the most there may be`;
  if (waiting.ahead > 0) return `${waiting.ahead} ahead`;
  if (room.held_up !== null) return `next, once there is ${room.held_up} again`;
  return `next, once there is room for ${shown(waiting)} on the host`;
}

function shown({ memoryMb, vcpus }: Capacity): string {
  return `${Number((memoryMb / 1024).toFixed(2))} GiB of memory and ${vcpus} ${vcpus === 1 ? 'vCPU' : 'vCPUs'}`;
}

function waitingOf(row: QueueRow): Waiting {
  const { ahead, id, kind, memory_mb: memoryMb, tenant, told_ahead: toldAhead, vcpus } = row;
  return { id, kind, tenant, memoryMb, vcpus, toldAhead, ahead };
}
