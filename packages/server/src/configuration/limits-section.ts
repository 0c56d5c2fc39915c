import { type Capacity, hostCapacity } from '../host/capacity.js';
import { defaultDiskFloor, type DiskFloor } from '../host/disk-space.js';
import { connectionsWithin, leastConnections, openFileLimit } from '../host/open-files.js';
import type { Section } from './reader.js';

const bytesPerMb = 1024 ** 2;
const mbPerGb = 1024;

/** How much this server gives out. */
export interface Limits {
  /** What all machines on this host may take together. */
  readonly machines: Capacity;
  readonly perTenant: {
    /** The bakes that are queued or run. */
    readonly bakes: number;
    /** The machines on this host at once; undefined is as many as there is room for. */
    readonly machines: number | undefined;
  };
  readonly diskFloor: DiskFloor;
  /** The largest disk of a machine on this host. */
  readonly diskSizeGb: number;
  /** The connections of clients at once. */
  readonly connections: number;
}

/** What applies where nothing is configured: three quarters of the memory, twice the processors, and half of the files that may be open. */
export function defaultLimits(): Limits {
  const { memoryMb, vcpus } = hostCapacity();
  return {
    machines: { memoryMb: Math.floor((memoryMb * 3) / 4), vcpus: vcpus * 2 },
    perTenant: { bakes: 1000, machines: undefined },
    diskFloor: defaultDiskFloor,
    diskSizeGb: 200,
    connections: connectionsWithin(openFileLimit()).byDefault,
  };
}

/** The section `limits`. */
export function readLimits(root: Section): Limits {
  const usual = defaultLimits();
  const section = root.section('limits', ['machines', 'per_tenant', 'disk_floor', 'disk_size_gb', 'connections']);
  if (section === undefined) return usual;
  const machines = section.section('machines', ['memory_gb', 'vcpus']);
  const perTenant = section.section('per_tenant', ['bakes', 'machines']);
  const memoryGb = machines?.number('memory_gb', { least: 0.125 });
  const host = hostCapacity();
  if (memoryGb !== undefined && memoryGb * mbPerGb > host.memoryMb) {
    machines?.refuse('memory_gb', `${memoryGb} is more than the ${(host.memoryMb / mbPerGb).toFixed(1)} GiB of this host`);
  }
  return {
    machines: {
      memoryMb: memoryGb === undefined ? usual.machines.memoryMb : Math.floor(memoryGb * mbPerGb),
      vcpus: machines?.wholeNumber('vcpus', { least: 1, most: 4096 }) ?? usual.machines.vcpus,
    },
    perTenant: {
      bakes: perTenant?.wholeNumber('bakes', { least: 1, most: 1_000_000 }) ?? usual.perTenant.bakes,
      machines: perTenant?.wholeNumber('machines', { least: 1, most: 1_000_000 }),
    },
    diskFloor: readDiskFloor(section) ?? usual.diskFloor,
    diskSizeGb: section.wholeNumber('disk_size_gb', { least: 1, most: 65_536 }) ?? usual.diskSizeGb,
    connections: readConnections(section) ?? usual.connections,
  };
}

function readConnections(section: Section): number | undefined {
  const connections = section.wholeNumber('connections', { least: leastConnections, most: 1_000_000 });
  const files = openFileLimit();
  const { most } = connectionsWithin(files);
  if (connections === undefined || connections <= most) return connections;
  section.refuse('connections', `${connections} is more than ${most}, what the ${files} files that this process may open leave room for`);
  return undefined;
}

function readDiskFloor(section: Section): DiskFloor | undefined {
  const written = section.scalar('disk_floor');
  if (written === undefined) return undefined;
  const [, number = '', unit = ''] = /^(\d{1,6}(?:\.\d{1,3})?) ?(|%|MiB|GiB)$/.exec(written) ?? [];
  const value = Number(number);
  if (number === '' || (unit === '' && value !== 0) || (unit === '%' && value > 90)) {
    section.refuse('disk_floor', `"${written}" is not a size such as 5 GiB or 10 %`);
    return undefined;
  }
  if (unit === '%') return { bytes: Number.MAX_SAFE_INTEGER, percent: value };
  return { bytes: value * bytesPerMb * (unit === 'GiB' ? mbPerGb : 1), percent: 100 };
}
