import path from 'node:path';

import { buildTinyBase, runOnHost } from '@murmur/server/testing-machines';

import type { BootFiles } from './machine.js';

const gib = 1024 ** 3;

/** A disk that machines can be started from, and what starts them where it has no boot loader. */
export interface BootableDisk {
  readonly file: string;
  readonly boot: BootFiles | undefined;
}

/** The tiny test disk, put where QEMU can read it. */
export async function tinyDisk(dataDir: string): Promise<BootableDisk & { readonly boot: BootFiles }> {
  const places = { dataDir: path.join(dataDir, 'base'), runtimeDir: path.join(dataDir, 'run') };
  const digest = await buildTinyBase(places);
  const folder = path.join(places.dataDir, 'images', digest.replace(':', '-'));
  return {
    file: path.join(folder, 'disk.qcow2'),
    // On a busy host the kernel may find its timer broken, and stop.
    boot: { kernel: path.join(folder, 'kernel'), initrd: path.join(folder, 'initrd'), commandLine: 'root=/dev/vda quiet no_timer_check' },
  };
}

/** Copies a disk, also one that a running machine writes to; what nothing was written to takes no room in the copy. */
export async function copyDisk(from: string, to: string): Promise<void> {
  await runOnHost('qemu-img', ['convert', '-U', '-O', 'qcow2', from, to]);
}

/** Makes a disk that no machine uses larger. */
export async function growDisk(file: string, sizeGb: number): Promise<void> {
  await runOnHost('qemu-img', ['resize', '-q', file, `${sizeGb}G`]);
}

/** A disk's size in whole GiB, as clouds count. */
export async function diskSizeGb(file: string): Promise<number> {
  const info = JSON.parse(await runOnHost('qemu-img', ['info', '--output=json', file])) as { 'virtual-size': number };
  return Math.ceil(info['virtual-size'] / gib);
}
