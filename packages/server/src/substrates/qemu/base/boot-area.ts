import { open } from 'node:fs/promises';

const sector = 512;
/** `murm`; it makes the partition's id on the kernel command line the same for every base. */
const diskSignature = 0x6d75726d;

/**
 * Writes what stands before the first partition: a partition table with one Linux partition, and grub's two stages, the
 * second right after the first sector, where grub's `boot.img` looks for it unless told otherwise.
 */
export async function writeBootArea(
  disk: string,
  loader: { readonly boot: Buffer; readonly core: Buffer },
  partition: { readonly start: number; readonly end: number },
): Promise<void> {
  if (loader.core.length > partition.start - sector) throw new Error('the boot loader does not fit before the first partition');
  const handle = await open(disk, 'r+');
  try {
    await handle.write(masterBootRecord(loader.boot, partition), 0, sector, 0);
    await handle.write(loader.core, 0, loader.core.length, sector);
  } finally {
    await handle.close();
  }
}

/** The first sector: 440 bytes of code, the disk's signature, four partition entries and the mark. */
function masterBootRecord(boot: Buffer, partition: { readonly start: number; readonly end: number }): Buffer {
  const record = Buffer.alloc(sector);
  boot.copy(record, 0, 0, 440);
  record.writeUInt32LE(diskSignature, 440);
  record[446] = 0x80;
  // Cylinders, heads and sectors are long past meaning anything: these values say "look at the block numbers".
  record.set([0xfe, 0xff, 0xff], 447);
  record[450] = 0x83;
  record.set([0xfe, 0xff, 0xff], 451);
  record.writeUInt32LE(partition.start / sector, 454);
  record.writeUInt32LE((partition.end - partition.start) / sector, 458);
  record.writeUInt16LE(0xaa55, 510);
  return record;
}
