import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { cpioArchive, type CpioEntry } from './cpio.js';
import { isMissing } from './files.js';

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

/** Loads the modules, mounts the root disk named on the kernel's command line and hands over to its init. */
export const initrdProgram = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
for module in $($b cat /modules/order); do $b insmod "/modules/$module"; done
root=/dev/vda
for word in $($b cat /proc/cmdline); do
  case $word in root=*) root=\${word#root=} ;; esac
done
tries=0
until [ -b "$root" ] || [ $tries -ge 500 ]; do $b usleep 10000; tries=$((tries + 1)); done
$b mount -t ext4 -o rw,noatime "$root" /root || { echo "cannot mount $root"; $b poweroff -f; }
$b mount --move /dev /root/dev
$b umount /proc /sys
exec $b switch_root /root /sbin/init
`;

/**
 * A minimal initramfs for direct boot on our machines. The distribution's own looks for every kind of disk and costs seconds
 * under translation. Modules that this kernel has built in are left out.
 */
export async function buildInitrd(parts: { readonly busybox: string; readonly kernelModules: string }): Promise<Buffer> {
  const found: CpioEntry[] = [];
  for (const name of modules) {
    const content = await readModule(path.join(parts.kernelModules, 'kernel', `${name}.ko`));
    if (content !== undefined) found.push({ path: `modules/${path.basename(name)}.ko`, mode: 0o100644, content });
  }
  const order = found.map((entry) => path.basename(entry.path)).join('\n');
  return cpioArchive([
    ...['bin', 'dev', 'modules', 'proc', 'root', 'sys'].map((name) => ({ path: name, mode: 0o040755 })),
    { path: 'dev/console', mode: 0o020600, device: [5, 1] },
    { path: 'bin/busybox', mode: 0o100755, content: await readFile(parts.busybox) },
    { path: 'init', mode: 0o100755, content: Buffer.from(initrdProgram) },
    { path: 'modules/order', mode: 0o100644, content: Buffer.from(`${order}\n`) },
    ...found,
  ]);
}

async function readModule(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
