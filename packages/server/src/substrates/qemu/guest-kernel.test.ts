import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { GuestChannel } from '../substrate.js';
import { takeChangedKernel } from './guest-kernel.js';
import { readCpio } from './initrd/cpio.js';
import { imageFolder, openLayout } from './layout.js';
import { readManifest, type Manifest } from './manifest.js';
import { openTinyMachines, type TinyMachines } from './testing-machine.js';

const { signal } = new AbortController();
let folder: string;
let machines: TinyMachines;
let channel: GuestChannel;
let parent: { readonly manifest: Manifest; readonly initrd: string };
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'murmur-kernel-'));
  machines = await openTinyMachines(folder);
  const machine = await machines.boot('run-1-launch');
  channel = await machines.substrate.channel(machine, machines.keys, signal);
  const layout = await openLayout(machines.dataDir, path.join(folder, 'run'));
  const { immutableId } = machines.spec.base;
  const manifest = await readManifest(layout, immutableId);
  if (manifest === undefined) throw new Error('the base has no manifest');
  parent = { manifest, initrd: path.join(imageFolder(layout, immutableId), 'initrd') };
});
afterAll(async () => {
  await channel[Symbol.asyncDispose]();
  await machines[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test.each([
  ['is too large', 'truncate -s 900M /vmlinuz', 'the script left a /vmlinuz in the machine that is larger than 256 MiB'],
  ['is no regular file', 'ln -sf /dev/zero /vmlinuz', 'the script left a /vmlinuz in the machine that is not a regular file'],
  ['is no kernel', 'echo k >/vmlinuz', "the image's /vmlinuz is not a Linux kernel"],
])('a kernel that no machine can boot is refused for good: it %s', { timeout: 60_000 }, async (_what, make, message) => {
  await channel.run(`rm -rf /vmlinuz; ${make}`);
  await expect(takeChangedKernel(channel, parent, folder, signal)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', message });
});

describe('another kernel', () => {
  const kernel = Buffer.concat([bzImage('6.9-other'), randomBytes(9 * 1024 * 1024)]);
  /** Answers as kmod's does. */
  const modprobe = (missing: string) => `#!/bin/sh
[ "$1 $2 $3" = '-S 6.9-other --show-depends' ] || exit 1
case $4 in
  ${missing}) exit 1 ;;
  virtio_blk) echo 'insmod /lib/modules/virtio.ko'; echo 'insmod /lib/modules/virtio_blk.ko.gz' ;;
  virtio_net) echo 'insmod /lib/modules/virtio.ko'; echo 'insmod /lib/modules/virtio_net.ko option=1' ;;
  *) echo "builtin $4" ;;
esac
`;
  const install = async (missing: string) => {
    await channel.run('cat >/vmlinuz', { stdin: kernel });
    await channel.run('rm -f /sbin/modprobe; cat >/sbin/modprobe; chmod 755 /sbin/modprobe', {
      stdin: modprobe(missing),
    });
    await channel.run(
      'cd /lib/modules 2>/dev/null || mkdir -p /lib/modules; cd /lib/modules; echo one >virtio.ko; echo two >virtio_net.ko; echo three | gzip >virtio_blk.ko.gz',
    );
  };

  test('comes out as it is, in pieces, with an initramfs of ours that has its modules', { timeout: 60_000 }, async () => {
    await install('nothing');
    expect(await takeChangedKernel(channel, parent, folder, signal)).toBe(true);
    expect((await readFile(path.join(folder, 'kernel'))).equals(kernel)).toBe(true);
    const before = readCpio(await readFile(parent.initrd));
    const after = readCpio(await readFile(path.join(folder, 'initrd')));
    const others = (entries: typeof after) => entries.filter((entry) => !entry.path.startsWith('modules/'));
    expect(
      others(after)
        .map((entry) => entry.path)
        .sort(),
    ).toEqual(
      others(before)
        .map((entry) => entry.path)
        .sort(),
    );
    expect(after.filter((entry) => entry.path.startsWith('modules/')).map((entry) => [entry.path, entry.content?.toString()])).toEqual([
      ['modules/order', 'virtio.ko\nvirtio_blk.ko\nvirtio_net.ko\n'],
      ['modules/virtio.ko', 'one\n'],
      ['modules/virtio_blk.ko', 'three\n'],
      ['modules/virtio_net.ko', 'two\n'],
    ]);
  });

  test('without what a machine needs is refused in these words', { timeout: 60_000 }, async () => {
    await install('virtio_net');
    await expect(takeChangedKernel(channel, parent, folder, signal)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: "the image's kernel 6.9-other has no module virtio_net, without which a machine does not start",
    });
  });
});

/** The beginning of a kernel, as far as it says which one it is. */
function bzImage(release: string): Buffer {
  const image = Buffer.alloc(4096);
  image.write('HdrS', 0x202);
  image.writeUInt16LE(0x400, 0x20e);
  image.write(`${release} (somebody@somewhere) #1\0`, 0x600);
  return image;
}
