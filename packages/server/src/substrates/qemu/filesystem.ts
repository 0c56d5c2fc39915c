import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { runOnHost } from './host-command.js';

/** Where a root filesystem may begin: on the bare disk, or in a first partition aligned as is usual. */
const starts = [0, 1024 * 1024];

/**
 * Whether the disk's ext4 filesystem was unmounted, read from its superblock. A guest that was killed leaves its journal to
 * be replayed; only a clean power-off clears the mark. A disk whose filesystem is not recognised counts as clean.
 */
export async function filesystemIsClean(disk: string): Promise<boolean> {
  for (const start of starts) {
    const superblock = await readDisk(disk, start + 1024, 1024);
    if (superblock.length < 1024 || superblock.readUInt16LE(0x38) !== 0xef53) continue;
    const needsRecovery = (superblock.readUInt32LE(0x60) & 0x4) !== 0;
    return !needsRecovery;
  }
  return true;
}

async function readDisk(disk: string, offset: number, length: number): Promise<Buffer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'murmur-disk-'));
  try {
    const copy = path.join(folder, 'part');
    const from = [`if=${disk}`, `of=${copy}`, `bs=${length}`, `skip=${offset / length}`, 'count=1'];
    await runOnHost('qemu-img', ['dd', '-U', '-f', 'qcow2', '-O', 'raw', ...from]);
    const bytes = await readFile(copy);
    return bytes.subarray(0, length);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
