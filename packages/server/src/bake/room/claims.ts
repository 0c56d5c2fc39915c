import { sql } from 'kysely';

import type { Capacity } from '../../host/capacity.js';
import type { DatabaseTransaction, Queryable } from '../../database/tables.js';

/** A machine that needs room on a host. */
export interface Claim {
  /** Of the run or the trial. */
  readonly id: string;
  readonly kind: 'bake' | 'try';
  readonly tenant: string;
  readonly host: string;
  readonly size: Capacity;
}

/** What one tenant's machines on a host take. */
export interface Taken extends Capacity {
  readonly tenant: string;
  readonly machines: number;
}

/** Puts a machine in the queue for room, in the transaction that writes down its run or trial. */
export async function claimRoom(trx: DatabaseTransaction, { host, id, kind, size, tenant }: Claim): Promise<void> {
  await trx
    .insertInto('room_claims')
    .values({ id, kind, tenant, host, memory_mb: size.memoryMb, vcpus: size.vcpus, told_ahead: null })
    .execute();
}

/** Takes a machine out of the queue. False when it is not waiting: it has been let in already, or never needed room. */
export async function leaveQueue(queryable: Queryable, id: string): Promise<boolean> {
  const left = await queryable.deleteFrom('room_claims').where('id', '=', id).where('admitted_at', 'is', null).returning('id').execute();
  return left.length > 0;
}

/** Whether a machine still waits for room. */
export async function waits(queryable: Queryable, id: string): Promise<boolean> {
  const claim = await queryable
    .selectFrom('room_claims')
    .select('id')
    .where('id', '=', id)
    .where('admitted_at', 'is', null)
    .executeTakeFirst();
  return claim !== undefined;
}

/**
 * Gives back the room of machines that are gone: the run has ended and every launch of it is settled, or the trial is
 * forgotten. Read off what the tables say of the machines, so no crash can give room back early or keep it.
 */
export async function returnRoom(queryable: Queryable): Promise<void> {
  await sql`
    delete from room_claims c where case c.kind
      when 'bake' then not exists (select from runs r where r.id = c.id and r.ended_at is null)
        and not exists (select from intents i where i.run_id = c.id and i.step = 'launch' and i.settled_at is null)
      else not exists (select from trials t where t.id = c.id)
    end
  `.execute(queryable);
}

/** What is taken on a host, by tenant. A run whose earlier machine could not be removed yet counts for both. */
export async function takenRoom(queryable: Queryable, host: string): Promise<readonly Taken[]> {
  const { rows } = await sql<{ tenant: string; machines: number; memory_mb: number; vcpus: number }>`
    select c.tenant, sum(m.count)::bigint as machines, sum(m.count * c.memory_mb)::bigint as memory_mb, sum(m.count * c.vcpus)::bigint as vcpus
    from room_claims c cross join lateral (
      select greatest(1, count(*)) as count from intents i where i.run_id = c.id and i.step = 'launch' and i.settled_at is null
    ) m
    where c.host = ${host} and c.admitted_at is not null
    group by c.tenant
  `.execute(queryable);
  return rows.map(({ machines, memory_mb: memoryMb, tenant, vcpus }) => ({ tenant, machines, memoryMb, vcpus }));
}
