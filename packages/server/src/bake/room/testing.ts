import { watchDiskSpace } from '../../host/disk-space.js';
import type { HostRoom } from './limits.js';

/** A host with room for anything a test may ask for, apart from what is changed. */
export function testRoom(changes: Partial<HostRoom> = {}): HostRoom {
  return {
    host: 'first',
    machines: { memoryMb: 1024 * 1024, vcpus: 1024 },
    perTenant: { bakes: 10_000, machines: undefined },
    diskSizeGb: 200,
    disk: watchDiskSpace('/', { bytes: 0, percent: 0 }),
    ...changes,
  };
}
