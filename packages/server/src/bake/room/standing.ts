import { create } from '@bufbuild/protobuf';
import { type HostStanding, HostStandingSchema } from '@murmur/api';

import type { Queryable } from '../../database/tables.js';
import { liveHosts } from '../hosts/live-hosts.js';
import { takenRoom } from './claims.js';

/** What the hosts whose servers live give to machines, and what is taken of it. */
export async function roomOfHosts(queryable: Queryable): Promise<readonly HostStanding[]> {
  const live = await liveHosts(queryable);
  const rooms = await queryable
    .selectFrom('host_room')
    .innerJoin('hosts', 'hosts.id', 'host_room.host')
    .selectAll('host_room')
    .select('hosts.name')
    .select((host) =>
      host
        .selectFrom('room_claims')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .whereRef('room_claims.host', '=', 'host_room.host')
        .where('admitted_at', 'is', null)
        .as('waiting'),
    )
    .orderBy('hosts.started_at', 'desc')
    .execute();
  const standings: HostStanding[] = [];
  for (const room of rooms.filter(({ host }) => live.has(host))) {
    const taken = await takenRoom(queryable, room.host);
    const sum = (of: (tenant: (typeof taken)[number]) => number) => taken.reduce((total, tenant) => total + of(tenant), 0);
    standings.push(
      create(HostStandingSchema, {
        name: room.name,
        memoryMb: BigInt(room.memory_mb),
        takenMemoryMb: BigInt(sum(({ memoryMb }) => memoryMb)),
        vcpus: room.vcpus,
        takenVcpus: sum(({ vcpus }) => vcpus),
        machines: sum(({ machines }) => machines),
        waiting: room.waiting ?? 0,
        heldUp: room.held_up ?? '',
      }),
    );
  }
  return standings;
}
