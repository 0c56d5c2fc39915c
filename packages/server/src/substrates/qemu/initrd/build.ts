import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { isMissing } from '../files.js';
import { accessEntries } from './access.js';
import { cpioArchive, type CpioEntry, readCpio } from './cpio.js';
import { initrdProgram } from './program.js';

/** What a guest needs before and beside its root disk, in the order in which the modules depend on each other. */
const modules = [
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci',
  'drivers/block/virtio_blk',
  'net/core/failover',
  'drivers/net/net_failover',
  'drivers/net/virtio_net',
  'drivers/char/hw_random/virtio-rng',
  'drivers/firmware/qemu_fw_cfg',
];

/** What an initramfs is made of, on the server's host. */
export interface InitrdParts {
  /** A static busybox. */
  readonly busybox: string;
  /** The folder of one kernel's modules, with `kernel/` in it. */
  readonly kernelModules: string;
  /** A folder with the program of the SSH server, the libraries that it loads, and their loader. */
  readonly sshServer: string;
}

/**
 * A minimal initramfs for direct boot on our machines. The distribution's own looks for every kind of disk and costs seconds
 * under translation. Modules that this kernel has built in are left out.
 */
export async function buildInitrd(parts: InitrdParts): Promise<Buffer> {
  const found: KernelModule[] = [];
  for (const name of modules) {
    const content = await readModule(path.join(parts.kernelModules, 'kernel', `${name}.ko`));
    if (content !== undefined) found.push({ name: path.basename(name), content });
  }
  const busybox = await readFile(parts.busybox);
  const server = await Promise.all(
    (await readdir(parts.sshServer)).sort().map(async (name) => ({ name, content: await readFile(path.join(parts.sshServer, name)) })),
  );
  return cpioArchive([
    ...['bin', 'dev', 'proc', 'root', 'sys'].map((name) => ({ path: name, mode: 0o040755 })),
    { path: 'dev/console', mode: 0o020600, device: [5, 1] },
    // What a shell starts in the background reads from here, also once the real devices have moved to the image.
    { path: 'dev/null', mode: 0o020666, device: [1, 3] },
    { path: 'bin/busybox', mode: 0o100755, content: busybox },
    { path: 'init', mode: 0o100755, content: Buffer.from(initrdProgram) },
    ...accessEntries({ busybox, server }),
    ...moduleEntries(found),
  ]);
}

/** A kernel module by its file's name without `.ko`. */
export interface KernelModule {
  readonly name: string;
  readonly content: Buffer;
}

const folder = 'modules';

/** The same initramfs for another kernel: its modules, in the order in which they are loaded, instead of those that it has. */
export function replaceModules(initrd: Buffer, found: readonly KernelModule[]): Buffer {
  const kept = readCpio(initrd).filter((entry) => entry.path !== folder && !entry.path.startsWith(`${folder}/`));
  return cpioArchive([...kept, ...moduleEntries(found)]);
}

function moduleEntries(found: readonly KernelModule[]): readonly CpioEntry[] {
  const files = found.map(({ name, content }) => ({ path: `${folder}/${name}.ko`, mode: 0o100644, content }));
  const order = files.map((file) => `${path.basename(file.path)}\n`).join('');
  return [{ path: folder, mode: 0o040755 }, { path: `${folder}/order`, mode: 0o100644, content: Buffer.from(order) }, ...files];
}

async function readModule(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
