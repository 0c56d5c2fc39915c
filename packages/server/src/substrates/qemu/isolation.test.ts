import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import type { GuestReach } from '../guest-reach.js';
import { runOnHost } from '../host-command.js';
import type { Machine, Token } from '../substrate.js';
import { findProcesses, findQemu } from './machine-process.js';
import { openTinyMachines, type TinyMachines } from './testing-machine.js';

const { signal } = new AbortController();

/** Addresses that only this test gives to its host, one that stands for a private network and one for a cloud's metadata. */
const [privateAddress, linkLocal] = [`10.213.${process.pid % 250}.1`, `169.254.213.${(process.pid % 250) + 1}`];
const loopback = '10.0.2.2';

/** The firewall and users of their own take root. */
describe.skipIf(process.getuid?.() !== 0)('a machine and its host', { timeout: 180_000 }, () => {
  let folder: string;
  let service: Server;
  let machines: TinyMachines | undefined;

  beforeAll(async () => {
    for (const address of [privateAddress, linkLocal]) await runOnHost('ip', ['address', 'add', `${address}/32`, 'dev', 'lo']);
    // On every address there is, IPv6 ones too.
    service = createServer((socket) => socket.on('error', () => socket.destroy()).end('a service of the host\n')).listen(0, '::');
    await once(service, 'listening');
  });

  afterAll(async () => {
    service.close();
    for (const address of [privateAddress, linkLocal]) await runOnHost('ip', ['address', 'del', `${address}/32`, 'dev', 'lo']);
  });

  afterEach(async () => {
    await machines?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const open = async (reach?: GuestReach) => {
    folder = await mkdtemp(path.join(tmpdir(), 'murmur-isolation-'));
    machines = await openTinyMachines(folder, path.join(folder, 'run'), reach);
    return machines;
  };

  /** Which of these addresses answer the guest on the service's port. */
  const reached = async (machine: Machine, addresses: readonly string[]) => {
    const { port } = service.address() as AddressInfo;
    const tries = addresses.map((address) => `nc -w 5 ${address} ${port} </dev/null 2>&1 | grep -q service && echo ${address}`);
    return (await run(machine, tries.join('; '))).trim().split('\n').filter(Boolean);
  };

  const run = async (machine: Machine, command: string) => {
    if (machines === undefined) throw new Error('no machines are open');
    await using channel = await machines.substrate.channel(machine, machines.keys, signal);
    return (await channel.run(`${command}; true`, { signal })).stdout;
  };

  /** The firewall's tables that are machines'. */
  const tables = async () => {
    const text = await runOnHost('nft', ['list', 'tables']);
    return [...text.matchAll(/^table inet (murmur-\S+)$/gm)].map(([, name]) => name);
  };

  const everywhere = [loopback, privateAddress, linkLocal, 'fec0::2'];

  test('the guest reaches nothing of its host, but the internet and its names', async () => {
    const { boot } = await open();
    const machine = await boot('closed');
    expect(await reached(machine, everywhere)).toEqual([]);
    expect(await run(machine, 'wget -q -O - http://deb.debian.org/debian/dists/bookworm/Release | head -n 1')).toBe('Origin: Debian\n');
  });

  test('the guest reaches what the operator lists, and only that', async () => {
    const { boot } = await open([`${privateAddress}/32`]);
    const machine = await boot('listed');
    expect(await reached(machine, everywhere)).toEqual([privateAddress]);
    expect(await run(machine, 'wget -q -T 20 -O - http://deb.debian.org/debian/dists/bookworm/Release | head -n 1')).toBe('');
  });

  test('the guest reaches its host where the operator allows everything, from a machine that is not root', async () => {
    const { boot, dataDir } = await open('any');
    const machine = await boot('open');
    expect(await reached(machine, [loopback, privateAddress, linkLocal])).toEqual([loopback, privateAddress, linkLocal]);

    const qemu = await findQemu(path.join(dataDir, 'machines', 'open'));
    const status = await readFile(`/proc/${qemu?.pid}/status`, 'utf8');
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split('\t');
    const [user, ...others] = new Set([...(field('Uid') ?? []), ...(field('Gid') ?? [])]);
    expect(Number(user)).toBeGreaterThanOrEqual(1_879_048_192);
    expect(others).toEqual([]);
    expect([field('CapPrm'), field('NoNewPrivs'), field('Seccomp')]).toEqual([['0000000000000000'], ['1'], ['2']]);
    expect(await readFile(`/proc/${qemu?.pid}/limits`, 'utf8')).toMatch(/^Max core file size\s+0\s+0\s/m);
  });

  test(
    'the table of a running machine is put back when somebody flushes it away, and that of an ended one is not',
    { timeout: 300_000 },
    async () => {
      const { boot, dataDir, spec, substrate } = await open();
      const machine = await boot('flushed');
      await substrate.launch(spec, 'ended' as Token, signal);
      const { isolation } = JSON.parse(await readFile(path.join(dataDir, 'machines', 'flushed', 'machine.json'), 'utf8')) as {
        isolation: { table: string };
      };
      process.kill((await findQemu(path.join(dataDir, 'machines', 'ended')))?.pid ?? 0, 'SIGKILL');
      await vi.waitFor(async () => expect(await findProcesses(path.join(dataDir, 'machines', 'ended'))).toEqual([]), { timeout: 60_000 });
      // As `flush ruleset` does, which would open the machines of other tests too.
      await runOnHost('nft', [`delete table inet ${isolation.table}`]);
      expect(await reached(machine, [privateAddress])).toEqual([privateAddress]);
      const before = await tables();

      await substrate.guard();
      expect((await tables()).filter((table) => !before.includes(table))).toEqual([isolation.table]);
      expect(await reached(machine, everywhere)).toEqual([]);
      await substrate.guard();
      expect(await reached(machine, everywhere)).toEqual([]);
    },
  );

  test('the table of the firewall goes with its machine, whoever ends it', async () => {
    const { substrate, spec, site, dataDir, reopen } = await open();
    const tableOf = async (token: string) => {
      const record = JSON.parse(await readFile(path.join(dataDir, 'machines', token, 'machine.json'), 'utf8')) as {
        isolation: { table: string };
      };
      return record.isolation.table;
    };
    await substrate.launch(spec, 'destroyed' as Token, signal);
    await substrate.launch({ ...spec, lifetimeSeconds: 4 }, 'timed' as Token, signal);
    const [destroyed, timed] = [await tableOf('destroyed'), await tableOf('timed')];
    expect(await tables()).toEqual(expect.arrayContaining([destroyed, timed]));

    // A server that was killed has left only files, and here the watchdog is gone too: another server finds the machine by its files.
    const [watchdog] = await findProcesses(path.join(dataDir, 'machines', 'destroyed'));
    process.kill(watchdog?.pid ?? 0, 'SIGKILL');
    await (await reopen()).destroy(site, 'destroyed' as Token, signal);
    expect(await tables()).not.toContain(destroyed);

    while ((await findQemu(path.join(dataDir, 'machines', 'timed'))) !== undefined) await delay(200);
    while ((await tables()).includes(timed)) await delay(200);
  });
});
