import { statfs } from 'node:fs/promises';

import { MurmurError } from '@murmur/api';

const bytesPerGib = 1024 ** 3;

/** How much of a disk is to stay free: so many bytes, and so much of the whole disk, in percent; the smaller one counts. */
export interface DiskFloor {
  readonly bytes: number;
  readonly percent: number;
}

/** 5 GiB, or a tenth of a disk that is small. */
export const defaultDiskFloor: DiskFloor = { bytes: 5 * bytesPerGib, percent: 10 };

/** Watches the free space of one disk. */
export interface DiskSpace {
  /** What is short, in figures for the operator; undefined while there is enough. */
  shortage(): Promise<string | undefined>;
  /** Throws RESOURCE_EXHAUSTED when less is free than the floor. `task` says what there is no room for, such as "exporting an image". */
  require(task: string): Promise<void>;
}

/** Watches the disk that a folder lies on. */
export function watchDiskSpace(folder: string, floor: DiskFloor): DiskSpace {
  const shortage = async (): Promise<string | undefined> => {
    const { bavail, blocks, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const least = Math.min(floor.bytes, (blocks * bsize * floor.percent) / 100);
    return free < least ? `${inGib(free)} free below ${folder}, where at least ${inGib(least)} is to stay free` : undefined;
  };
  return {
    shortage,
    async require(task) {
      if ((await shortage()) === undefined) return;
      throw new MurmurError('RESOURCE_EXHAUSTED', `the disk of the server's host is too full for ${task}`, {
        hint: 'Remove images nobody needs with "murmur rm image", or ask the operator for room; limits.disk_floor says how much stays free.',
      });
    },
  };
}

function inGib(bytes: number): string {
  return `${(bytes / bytesPerGib).toFixed(1)} GiB`;
}
