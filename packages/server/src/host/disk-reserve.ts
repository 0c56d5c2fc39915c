import { execFile } from 'node:child_process';
import { rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

/** What a start needs on a full disk: a segment of the database's log, its recovery, and what the first removals write. */
const reserveBytes = 64 * 1024 * 1024;

/**
 * Gives up the space that {@link keepReserve} has set aside, when the disk is so full that a server could not start to clean up.
 * To be called before anything is written. Says whether the disk was that full.
 */
export async function useReserve(dataDir: string): Promise<boolean> {
  let free: number;
  try {
    free = await freeBytes(dataDir);
  } catch (error) {
    // The first start makes the folder.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
  if (free >= reserveBytes) return false;
  await rm(reserveIn(dataDir), { force: true });
  return true;
}

/** Sets space aside for a start on a full disk, where there is enough of it. Its blocks are taken, and nothing is written to them. */
export async function keepReserve(dataDir: string): Promise<void> {
  const file = reserveIn(dataDir);
  if ((await sizeOf(file)) === reserveBytes || (await freeBytes(dataDir)) < 4 * reserveBytes) return;
  const half = `${file}.half`;
  try {
    await promisify(execFile)('fallocate', ['--length', String(reserveBytes), half]);
    await rename(half, file);
  } finally {
    await rm(half, { force: true });
  }
}

function reserveIn(dataDir: string): string {
  return path.join(dataDir, 'reserve');
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
}
