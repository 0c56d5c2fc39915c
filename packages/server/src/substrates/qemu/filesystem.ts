import { runOnHost } from '../host-command.js';

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

/** Bytes of the disk as the guest sees them, from `qemu-io`'s dump, which takes no room anywhere. */
async function readDisk(disk: string, offset: number, length: number): Promise<Buffer> {
  const dump = await runOnHost('qemu-io', ['-r', '-U', '-f', 'qcow2', '-c', `read -v ${offset} ${length}`, disk]);
  const lines = dump.split('\n').flatMap((line) => /^[0-9a-f]{8,}:  ((?:[0-9a-f]{2} )+)/.exec(line)?.[1] ?? []);
  return Buffer.from(lines.join('').replaceAll(' ', ''), 'hex');
}
