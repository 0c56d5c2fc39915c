import { type Environment, type MachineType, refusal } from '@murmur/api';

import { bakeErrors } from '../errors.js';
import type { Capacity } from '../../host/capacity.js';
import type { DiskSpace } from '../../host/disk-space.js';
import type { Substrate } from '../../substrates/substrate.js';

/** What this server's host gives to machines. */
export interface HostRoom {
  /** The host's name among those of this database. */
  readonly host: string;
  /** What all its machines may take together. */
  readonly machines: Capacity;
  readonly perTenant: {
    /** The bakes of a tenant that are queued or run, wherever. */
    readonly bakes: number;
    /** The machines of a tenant on this host; undefined is as many as there is room for. */
    readonly machines: number | undefined;
  };
  /** The largest disk of a machine here. */
  readonly diskSizeGb: number;
  readonly disk: DiskSpace;
}

/** Throws FAILED_PRECONDITION for a machine that would never find room on this host. */
export function checkFits(room: HostRoom, substrate: Substrate, shape: { machineType: MachineType; environment: Environment }): void {
  if (!substrate.local) return;
  const { environment, machineType } = shape;
  const lacking = whatIsLacking(room.machines, sizeOf(machineType));
  if (lacking !== undefined) {
    throw refusal(bakeErrors.machineTooLarge, [machineType.name, lacking]);
  }
  if (environment.diskSizeGb <= room.diskSizeGb) return;
  throw refusal(bakeErrors.diskTooLarge, [environment.name, String(environment.diskSizeGb), String(room.diskSizeGb)]);
}

/** What a machine of this type takes. */
export function sizeOf({ memoryGb, vcpus }: Pick<MachineType, 'memoryGb' | 'vcpus'>): Capacity {
  return { memoryMb: Math.round(memoryGb * 1024), vcpus };
}

/** What a machine needs more of than there is in all; undefined when it fits. */
export function whatIsLacking(all: Capacity, wanted: Capacity): string | undefined {
  if (wanted.memoryMb > all.memoryMb)
    return `it takes ${gib(wanted.memoryMb)} of memory, and all machines together may take ${gib(all.memoryMb)}`;
  if (wanted.vcpus > all.vcpus) return `it takes ${wanted.vcpus} vCPUs, and all machines together may take ${all.vcpus}`;
  return undefined;
}

function gib(memoryMb: number): string {
  return `${Number((memoryMb / 1024).toFixed(2))} GiB`;
}
