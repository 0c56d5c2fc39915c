import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { MurmurError } from '@murmur/api';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { GuestChannel } from '../substrate.js';
import { takeChangedKernel } from './guest-kernel.js';
import { openLayout } from './layout.js';
import { readManifest, type Manifest } from './manifest.js';
import { openTinyMachines, type TinyMachines } from './testing-machine.js';

const { signal } = new AbortController();
let folder: string;
let machines: TinyMachines;
let channel: GuestChannel;
let base: Manifest;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'murmur-kernel-'));
  machines = await openTinyMachines(folder);
  const machine = await machines.boot('run-1-launch');
  channel = await machines.substrate.channel(machine, machines.keys, signal);
  const manifest = await readManifest(await openLayout(machines.dataDir, path.join(folder, 'run')), machines.spec.base.immutableId);
  if (manifest === undefined) throw new Error('the base has no manifest');
  base = manifest;
});
afterAll(async () => {
  await channel[Symbol.asyncDispose]();
  await machines[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test.each([
  ['a kernel', 'truncate -s 900M /vmlinuz; echo i >/initrd.img', 'the script left a /vmlinuz in the machine that is larger than 256 MiB'],
  [
    'an initrd',
    'echo k >/vmlinuz; truncate -s 900M /initrd.img',
    'the script left a /initrd.img in the machine that is larger than 256 MiB',
  ],
  ['a kernel', 'ln -sf /dev/zero /vmlinuz; echo i >/initrd.img', 'the script left a /vmlinuz in the machine that is not a regular file'],
  ['an initrd', 'echo k >/vmlinuz; mkfifo /initrd.img', 'the script left a /initrd.img in the machine that is not a regular file'],
])('%s that no machine can boot is refused for good: %s', { timeout: 60_000 }, async (_what, make, words) => {
  await channel.run(`rm -rf /vmlinuz /initrd.img; ${make}`);
  await expect(takeChangedKernel(channel, base, folder, signal)).rejects.toEqual(new MurmurError('FAILED_PRECONDITION', words));
});

test('another kernel comes out as it is, in pieces', { timeout: 60_000 }, async () => {
  const make =
    'dd if=/dev/urandom of=/vmlinuz bs=1M count=9; dd if=/dev/urandom of=/initrd.img bs=1000 count=3; sha256sum /vmlinuz /initrd.img';
  const { stdout } = await channel.run(`rm -rf /vmlinuz /initrd.img; ${make} 2>/dev/null`);
  expect(await takeChangedKernel(channel, base, folder, signal)).toBe(true);
  for (const name of ['kernel', 'initrd']) {
    const digest = createHash('sha256')
      .update(await readFile(path.join(folder, name)))
      .digest('hex');
    expect(stdout).toContain(digest);
  }
});
