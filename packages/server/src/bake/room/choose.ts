import type { Capacity } from '../../host/capacity.js';
import type { Taken } from './claims.js';
import type { Waiting } from './queue.js';

/** What may be given out on a host. */
export interface Room extends Capacity {
  /** The most machines of one tenant; null is as many as there is room for. */
  readonly tenantMachines: number | null;
}

/**
 * Which of a queue are let in now. A tenant at its own limit is passed over. The first that finds no room ends it: were
 * smaller ones let past it, a large machine might wait for ever.
 */
export function chooseNext(room: Room, taken: readonly Taken[], queue: readonly Waiting[]): readonly Waiting[] {
  const machines = new Map(taken.map((tenant) => [tenant.tenant, tenant.machines]));
  let memoryMb = room.memoryMb - taken.reduce((sum, tenant) => sum + tenant.memoryMb, 0);
  let vcpus = room.vcpus - taken.reduce((sum, tenant) => sum + tenant.vcpus, 0);
  const chosen: Waiting[] = [];
  for (const waiting of queue) {
    const own = machines.get(waiting.tenant) ?? 0;
    if (room.tenantMachines !== null && own >= room.tenantMachines) continue;
    if (waiting.memoryMb > memoryMb || waiting.vcpus > vcpus) break;
    memoryMb -= waiting.memoryMb;
    vcpus -= waiting.vcpus;
    machines.set(waiting.tenant, own + 1);
    chosen.push(waiting);
  }
  return chosen;
}
