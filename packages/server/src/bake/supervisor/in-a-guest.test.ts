import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

import { create } from '@bufbuild/protobuf';
import { PlacementSchema } from '@murmur/api';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { deriveGuestKeys } from '../../substrates/guest-keys.js';
import { createQemuSubstrate } from '../../substrates/qemu/index.js';
import { buildTinyBase } from '../../substrates/qemu/tiny.js';
import type { CommandResult, GuestChannel, Machine, Site, Substrate, Token } from '../../substrates/substrate.js';
import { cleanProgram } from './clean-program.js';
import { readCommand, startProgram } from './guest-program.js';

const installation = 'clean';
const minutes = 60_000;
const { signal } = new AbortController();
const keys = deriveGuestKeys(randomBytes(64));
let folder: string;
let site: Site;
let substrate: Substrate;
let machine: Machine;
let channel: GuestChannel;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murmur-clean-'));
  const places = { dataDir: folder, runtimeDir: folder };
  substrate = await createQemuSubstrate({ ...places, installation, log: pino({ level: 'silent' }) });
  site = substrate.siteOf(create(PlacementSchema), '');
  const owner = { installation, tenant: 'local/default', runId: 'run' };
  const base = { immutableId: await buildTinyBase(places), architecture: 'AMD64' } as const;
  const size = { vcpus: 1, memoryMb: 256, machineType: '', diskType: '', diskSizeGb: 0, lifetimeSeconds: 600 };
  const spec = { owner, base, site, attempt: 1, keys, ...size };
  machine = await substrate.launch(spec, 'run-1-launch' as Token, signal);
  await substrate.waitReady(machine, keys, signal);
  channel = await substrate.channel(machine, keys, signal);
  await bringChattr();
}, 5 * minutes);
afterAll(async () => {
  await channel[Symbol.asyncDispose]();
  await substrate.destroy(site, machine.token, signal);
  await rm(folder, { recursive: true, force: true });
});

/** Leaves mounted, in ways that a file system's number does not tell apart, what is not to be cleaned. */
const script = `#!/bin/sh
set -e
mkdir -p /opt/keep/in "/var/tmp/a b" /var/tmp/c /var/log/m
echo x >/opt/keep/f
echo y >/opt/keep/in/g
mount -o bind /opt/keep "/var/tmp/a b"
mount -o bind /opt/keep /var/tmp/c
mount -t tmpfs inner /var/tmp/c/in
mount -o bind /opt/keep /var/log/m
echo z >/var/log/boot.log
`;

async function run(command: string, stdin: string | Buffer = ''): Promise<CommandResult> {
  return channel.run(command, { stdin, signal });
}

async function said(command: string): Promise<string> {
  const { exitCode, stderr, stdout } = await run(command);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout.trim();
}

async function clean(): Promise<CommandResult> {
  return run('sh', cleanProgram(keys.clientPublic));
}

async function runScript(text: string): Promise<string> {
  await run('sh', startProgram({ script: text, variables: {}, timeoutSeconds: 60 }));
  const state = async () => (await run(readCommand(0, 0))).stderr.trim();
  await expect.poll(state, { timeout: minutes }).not.toBe('running');
  return state();
}

/** The tiny guest has no such program: this host's, beside its libraries and out of the way. */
async function bringChattr(): Promise<void> {
  const program = (await promisify(execFile)('sh', ['-c', 'command -v chattr'])).stdout.trim();
  const { stdout } = await promisify(execFile)('ldd', [program]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(([, file]) => (file === undefined ? [] : [file]));
  await said('mkdir -p /opt/tools');
  for (const file of [program, ...libraries]) {
    const name = `/opt/tools/${basename(file)}`;
    expect((await run(`cat >${name} && chmod 755 ${name}`, await readFile(file))).exitCode).toBe(0);
  }
}

const chattr = '/opt/tools/ld-linux-x86-64.so.2 --library-path /opt/tools /opt/tools/chattr';

test(
  'what cannot be removed fails the clean-up with its name, and what the script mounted is taken down, not emptied',
  async () => {
    expect(await runScript(script)).toBe('exited 0');
    await said(
      'mkdir -p /etc/ssh /var/tmp/deep/er; echo secret >/etc/ssh/ssh_host_rsa_key; echo x >/var/tmp/deep/er/file; echo x >/var/log/x.log',
    );
    await said(`${chattr} +i /etc/ssh/ssh_host_rsa_key /var/tmp/deep/er/file; ${chattr} +a /var/log/x.log`);
    const { exitCode, stderr, stdout } = await clean();
    const left = [
      '/etc/ssh/ssh_host_rsa_key cannot be removed',
      '/var/log/x.log cannot be emptied',
      '/var/tmp/deep/er/file cannot be removed',
    ];
    expect({ exitCode, stderr: stderr.trim().split('\n').toSorted() }).toEqual({ exitCode: 1, stderr: left });
    expect(stdout.split('\n').toSorted()).toEqual([
      '',
      'unmounted /var/log/m',
      String.raw`unmounted /var/tmp/a\040b`,
      'unmounted /var/tmp/c',
      'unmounted /var/tmp/c/in',
    ]);
    expect(await said('cat /opt/keep/f /opt/keep/in/g; ls /var/tmp; cat /var/log/boot.log')).toBe('x\ny\ndeep');
  },
  minutes,
);

test(
  'a user’s own keys stay whole while there is no room for a copy, and lose ours once there is',
  async () => {
    const home = '/home/murmur/.ssh';
    const own = Array.from({ length: 300 }, (_, index) => `ssh-ed25519 ${'A'.repeat(60)}${index} user`);
    const file = [...own.slice(0, 5), `${keys.clientPublic} ours`, ...own.slice(5)].join('\n');
    await said(`${chattr} -i /etc/ssh/ssh_host_rsa_key /var/tmp/deep/er/file; ${chattr} -a /var/log/x.log; mkdir -p ${home}`);
    expect((await run(`cat >${home}/authorized_keys`, `${file}\n`)).exitCode).toBe(0);
    // Most of it without writing it.
    const free = `"$(df -k / | awk 'END { print $4 * 1024 }')"`;
    await run(`fallocate -l ${free} /opt/fill; dd if=/dev/zero of=/opt/fill2 bs=64k; dd if=/dev/zero of=/opt/fill3 bs=4k`);
    await run('dd if=/dev/zero of=/run/fill bs=1M');
    expect(await clean()).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `${home}/authorized_keys holds a key of ours, and there is no room for a copy without it\n`,
    });
    expect(await said(`cat ${home}/authorized_keys`)).toBe(file);
    await said('rm /run/fill');
    expect(await clean()).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await said(`cat ${home}/authorized_keys`)).toBe(own.join('\n'));
    await said('rm /opt/fill /opt/fill2 /opt/fill3');
  },
  minutes,
);

test(
  'flags that forbid it are lifted, and all that was promised is gone',
  async () => {
    await said(`printf '#!/bin/sh\\nexec ${chattr} "$@"\\n' >/bin/chattr; chmod 755 /bin/chattr`);
    await said(
      'mkdir -p /var/tmp/deep; for file in /etc/ssh/ssh_host_rsa_key /var/tmp/deep/f /var/log/x.log /root/.bash_history; do echo x >$file; done',
    );
    await said(
      'echo abc >/etc/machine-id; chattr +i /etc/ssh/ssh_host_rsa_key /etc/ssh /var/tmp/deep/f /root/.bash_history /etc/machine-id',
    );
    await said('chattr +a /var/log/x.log');
    expect(await clean()).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    const gone = '/etc/ssh/ssh_host_rsa_key /var/tmp/deep /root/.bash_history /run/murmur';
    expect(await said(`for file in ${gone}; do [ ! -e $file ] || echo $file; done; cat /etc/machine-id /var/log/x.log`)).toBe('');
  },
  minutes,
);

test(
  'what would keep a machine of the image from starting is told, and what need not be there is not',
  async () => {
    const fstab = [
      '# UUID=none /none ext4',
      'UUID=0f0f0f0f-0000-4000-8000-000000000000 / ext4 defaults 0 1',
      'UUID=0f0f0f0f-0000-4000-8000-000000000001 /data ext4 defaults 0 2',
      '/dev/sdb1 /more ext4',
      '/dev/sdb2 /later ext4 nofail',
      '/dev/sdb3 /now-and-then ext4 rw,noauto 0 0',
      '/dev/vda /again ext4 ro',
      'tmpfs /memory tmpfs size=1m',
      'server:/share /share nfs _netdev',
    ];
    expect(
      (await run('cp /etc/fstab /opt/fstab 2>/dev/null; cat >/etc/fstab; mv /sbin/init /opt/init', `${fstab.join('\n')}\n`)).exitCode,
    ).toBe(0);
    const device = 'which this machine does not have, without nofail';
    const left = [
      '/sbin/init is missing',
      `/etc/fstab names UUID=0f0f0f0f-0000-4000-8000-000000000001 for /data, ${device}`,
      `/etc/fstab names /dev/sdb1 for /more, ${device}`,
    ];
    expect(await clean()).toEqual({ exitCode: 3, stdout: '', stderr: `${left.join('\n')}\n` });
    await said('rm /etc/fstab; [ ! -e /opt/fstab ] || mv /opt/fstab /etc/fstab; cp /bin/busybox /sbin/init; chmod 644 /sbin/init');
    expect(await clean()).toMatchObject({ exitCode: 3, stderr: '/sbin/init cannot be executed\n' });
    await said('rm /sbin/init; mv /opt/init /sbin/init');
    expect(await clean()).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  },
  minutes,
);

test(
  'a script that takes all memory is told from one that somebody killed',
  async () => {
    // Three that take 100 MB each, again and again: one of them is the first to go, and takes the script along.
    // None holds the output, which would be waited for.
    const hungry = '(dd if=/dev/zero of=/dev/null bs=100000000 || kill -9 $$) >/dev/null 2>&1 &';
    expect(await runScript(`#!/bin/sh\n${hungry}\n${hungry}\n${hungry}\nwait\n`)).toBe('exited 137 out-of-memory');
  },
  minutes,
);
