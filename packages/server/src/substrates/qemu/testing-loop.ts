import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: nothing that is not on the disk yet gets there. */
const shutdown = 'open(my $folder, "<", $ARGV[0]) or die $!; my $flag = pack("L", 2); ioctl($folder, 0x8004587d, $flag) or die $!;';

/** A filesystem of its own, to fill, to break and to take the power from. */
export interface LoopDisk extends AsyncDisposable {
  readonly folder: string;
  /** From now on everything on it fails with EIO, and what was not synced is lost. */
  fail(): Promise<void>;
  /** Takes the power away and gives it back: only what was synced is there again. Whoever works on it must have ended. */
  cutPower(): Promise<void>;
}

/** Makes a filesystem in a file and mounts it. */
export async function openLoopDisk(megabytes: number, ...options: readonly string[]): Promise<LoopDisk> {
  const outside = await mkdtemp(path.join(tmpdir(), 'murmur-loop-'));
  const image = path.join(outside, 'disk');
  const folder = path.join(outside, 'mounted');
  await mkdir(folder);
  await writeFile(image, '');
  await truncate(image, megabytes * 1024 * 1024);
  await run('mke2fs', ['-q', '-t', 'ext4', '-F', '-m', '0', ...options, image]);
  // The kernel writes back by itself only every so often: what nobody synced is lost for certain.
  const mount = () => run('mount', ['-o', 'loop,commit=600', image, folder]);
  const unmount = () => run('umount', [folder]);
  const fail = async () => void (await run('perl', ['-e', shutdown, folder]));
  await mount();
  return {
    folder,
    fail,
    async cutPower() {
      await fail();
      await unmount();
      await mount();
    },
    async [Symbol.asyncDispose]() {
      await unmount();
      await rm(outside, { recursive: true, force: true });
    },
  };
}

/** Whether this machine lets us mount filesystems. */
export async function canMountLoops(): Promise<boolean> {
  try {
    const disk = await openLoopDisk(8);
    await disk.cutPower();
    await disk[Symbol.asyncDispose]();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}
