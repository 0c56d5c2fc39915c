import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { ImageSchema } from '@murmur/api';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Token } from '../../substrate.js';
import { allRights } from '../../testing/all-rights.js';
import { openTinyMachines, type TinyMachines } from '../testing-machine.js';

const { signal } = new AbortController();
let folder: string;
let machines: TinyMachines;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'murmur-access-'));
  machines = await openTinyMachines(folder);
}, 180_000);
afterAll(async () => {
  await machines[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Each of these alone kept everybody out of the image's own SSH server, or got between its answers. */
const lockedOut = `set -e
sed -i 's,^root:[^:]*:,root:!:,' /etc/shadow
sed -i 's,:/bin/sh$,:/usr/sbin/nologin,' /etc/passwd
rm /etc/shells
echo 'ALL: ALL' >/etc/hosts.deny
chown 1000:1000 /
chmod 0775 /
for file in .profile .bashrc .shrc; do echo 'echo Welcome to the dev box; exec false' >/root/$file; done
ip link set eth0 down
`;

test(
  'a script that locks root, its shell, its network and the disk against everybody does not lock Murmur out',
  { timeout: 240_000 },
  async () => {
    const { keys, site, spec, substrate } = machines;
    const machine = await machines.boot('locking');
    {
      await using channel = await substrate.channel(machine, keys, signal);
      expect(await channel.run('sh', { stdin: lockedOut })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    }
    const artifact = await substrate.capture(machine, keys, { name: 'locked', token: 'locked' as Token, owner: spec.owner }, signal);
    const image = create(ImageSchema, { name: 'locked', source: artifact.source });
    const booted = await machines.boot('locked-boot', {
      base: await substrate.resolveBase(site, image, allRights, signal),
    });
    await using channel = await substrate.channel(booted, keys, signal);
    expect(await channel.run('id -u; grep ^root: /etc/passwd; stat -c %u:%a /')).toEqual({
      exitCode: 0,
      stdout: '0\nroot:x:0:0:root:/root:/usr/sbin/nologin\n1000:775\n',
      stderr: '',
    });
  },
);
