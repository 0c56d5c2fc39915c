import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { PlacementSchema, type Image } from '@murmur/api';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { deriveGuestKeys } from '../guest-keys.js';
import type { LaunchSpec, Machine, Site, Token } from '../substrate.js';
import { allRights } from '../testing/all-rights.js';
import { createQemuSubstrate, type QemuSubstrate } from './index.js';
import { qemuProgram } from './qemu-program.js';

const long = 900_000;

/** Slow: builds the whole base and boots it several times. `MURMUR_FULL=sweep` runs it; a full bake is among the end-to-end tests. */
describe.runIf(process.env['MURMUR_FULL'] === 'sweep')('the Debian base', { timeout: long }, () => {
  const { signal } = new AbortController();
  let folder: string;
  let substrate: QemuSubstrate;
  let site: Site;
  let image: Image;
  let spec: LaunchSpec;
  const keys = deriveGuestKeys(randomBytes(64));

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'murmur-debian-'));
    const places = { dataDir: path.join(folder, 'data'), runtimeDir: path.join(folder, 'run') };
    substrate = await createQemuSubstrate({ ...places, installation: 'debian', log: pino({ level: 'silent' }) });
    image = await substrate.baseBuilder.build({ rebuild: false, onProgress: () => undefined, signal });
    site = substrate.siteOf(create(PlacementSchema), '');
    spec = {
      owner: { installation: 'debian', tenant: 'local/default', runId: 'run' },
      base: await substrate.resolveBase(site, image, allRights, signal),
      site,
      attempt: 1,
      diskType: '',
      vcpus: 1,
      memoryMb: 1024,
      machineType: '',
      diskSizeGb: 0,
      keys,
      lifetimeSeconds: 900,
    };
  }, long);

  afterAll(async () => {
    for (const thing of (await substrate.listOwned(site, 'debian', signal)).things) await substrate.destroy(site, thing.token, signal);
    await rm(folder, { recursive: true, force: true });
  });

  async function ready(token: string, changes: Partial<LaunchSpec> = {}): Promise<Machine> {
    const machine = await substrate.launch({ ...spec, ...changes }, token as Token, signal);
    await substrate.waitReady(machine, changes.keys ?? keys, signal);
    return machine;
  }

  async function run(machine: Machine, command: string, using_ = keys): Promise<string> {
    await using channel = await substrate.channel(machine, using_, signal);
    const { exitCode, stdout, stderr } = await channel.run(command);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return stdout.trim();
  }

  test('is not built again from the same inputs', async () => {
    const lines: string[] = [];
    const again = await substrate.baseBuilder.build({ rebuild: false, onProgress: (line) => lines.push(line), signal });
    expect(again.source).toEqual(image.source);
    expect(lines).toEqual(['the base image of these packages is built already']);
  });

  test('boots without a failed unit and holds what agents need', async () => {
    const machine = await ready('whole');
    expect(await run(machine, 'systemctl is-system-running')).toBe('running');
    expect(
      await run(machine, 'for tool in apt-get git curl jq tmux python3 sudo; do command -v $tool >/dev/null || echo $tool; done'),
    ).toBe('');
    expect(
      await run(machine, 'id -un murmur; test -e /etc/ssl/certs/ca-certificates.crt && getent hosts deb.debian.org >/dev/null && echo ok'),
    ).toBe('murmur\nok');
    // Nothing of ours on the disk: the keys are in memory only.
    expect(await run(machine, "find / -xdev -name 'authorized_keys*' -o -xdev -name '*dropbear*'")).toBe('');
    expect(await run(machine, "systemctl list-unit-files --state=masked --plain --no-legend | awk '{ print $1 }' | sort | paste -s")).toBe(
      'getty@tty1.service\tserial-getty@ttyS0.service\tsystemd-random-seed.service',
    );
    expect(await run(machine, 'stat -c %a /dev/fuse /dev/net/tun | paste -s; ls -d /usr/share/zoneinfo/Europe/Berlin')).toBe(
      '666\t666\n/usr/share/zoneinfo/Europe/Berlin',
    );
    expect(
      await run(machine, 'systemctl restart systemd-binfmt systemd-logind ssh && resolvectl query deb.debian.org >/dev/null && echo ok'),
    ).toBe('ok');
    await substrate.destroy(site, machine.token, signal);
  });

  test('gives two clones another machine id and another host key', async () => {
    const identity = 'cat /etc/machine-id; ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key';
    const seen = [];
    for (const token of ['clone-a', 'clone-b']) {
      const own = deriveGuestKeys(randomBytes(64));
      const machine = await ready(token, { keys: own });
      seen.push((await run(machine, identity, own)).split('\n'));
      await substrate.destroy(site, machine.token, signal);
    }
    const [first, second] = seen;
    expect(first?.[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(first?.[0]).not.toBe(second?.[0]);
    expect(first?.[1]).not.toBe(second?.[1]);
  });

  test('fills a disk that is larger than its own', async () => {
    const machine = await ready('large', { diskSizeGb: 20 });
    expect(Number(await run(machine, "df --output=size -BG / | tail -1 | tr -dc '0-9'"))).toBeGreaterThanOrEqual(19);
    await substrate.destroy(site, machine.token, signal);
  });

  test('keeps booting after a script put another kernel in', async () => {
    const machine = await ready('kernel');
    // The same modules under another kernel file are enough to see that the guest's own is taken.
    await run(machine, 'cp /boot/vmlinuz-* /boot/vmlinuz-other && echo >>/boot/vmlinuz-other && ln -sf boot/vmlinuz-other /vmlinuz');
    const artifact = await substrate.capture(machine, keys, { name: 'other', token: 'kernel-capture' as Token, owner: spec.owner }, signal);
    await substrate.destroy(site, machine.token, signal);
    const base = await substrate.resolveBase(site, { ...image, source: artifact.source }, allRights, signal);
    const booted = await ready('kernel-booted', { base });
    expect(await run(booted, 'systemctl is-system-running')).toBe('running');
    await substrate.destroy(site, booted.token, signal);
  });

  // Installing it took 27 minutes under translation on a host that was busy besides.
  const hours = 7200;
  test(
    "starts under another of Debian's kernels with its network, though that one's initramfs lacks it",
    { timeout: hours * 1000 },
    async () => {
      const machine = await ready('other', { lifetimeSeconds: hours });
      const install = `sed -i s/^MODULES=.*/MODULES=dep/ /etc/initramfs-tools/initramfs.conf
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends linux-image-amd64 >/dev/null 2>&1 && readlink /vmlinuz`;
      const installed = await run(machine, install);
      const artifact = await substrate.capture(machine, keys, { name: 'full', token: 'full-capture' as Token, owner: spec.owner }, signal);
      await substrate.destroy(site, machine.token, signal);
      const base = await substrate.resolveBase(site, { ...image, source: artifact.source }, allRights, signal);
      const booted = await ready('full-booted', { base });
      expect(installed).toBe(`boot/vmlinuz-${await run(booted, 'uname -r')}`);
      expect(await run(booted, 'systemctl is-system-running; getent hosts deb.debian.org >/dev/null && echo network')).toBe(
        'running\nnetwork',
      );
      await substrate.destroy(site, booted.token, signal);
    },
  );

  test('boots by itself on another machine once exported, with host keys of its own', async () => {
    await using exported = await substrate.exportImage(site, spec.base, signal);
    const args = [
      '-M',
      'q35',
      '-accel',
      'tcg',
      '-cpu',
      'max',
      '-m',
      '1024',
      '-nodefaults',
      '-display',
      'none',
      '-no-reboot',
      '-serial',
      'stdio',
    ];
    const disk = [
      '-drive',
      `if=virtio,format=qcow2,snapshot=on,file=${exported.file}`,
      '-netdev',
      'user,id=net,hostfwd=tcp:127.0.0.1:0-:22',
      '-device',
      'virtio-net-pci,netdev=net',
    ];
    const qemu = spawn(qemuProgram, [...args, ...disk], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(qemu, 'close');
    const prompt = 'murmur login:';
    let console = '';
    for await (const chunk of qemu.stdout.setEncoding('utf8')) {
      console += String(chunk);
      if (console.includes(prompt)) qemu.kill('SIGKILL');
    }
    await ended;
    expect(console).toContain(prompt);
  });
});
