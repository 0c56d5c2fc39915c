import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { EndedByGuest, PlatformFault, type Machine, type Token } from '../substrate.js';
import { findQemu } from './machine-process.js';
import { openTinyMachines, type TinyMachines } from './testing-machine.js';

const { signal } = new AbortController();

describe('a machine that is used', { timeout: 180_000 }, () => {
  let folder: string;
  let machines: TinyMachines;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'murmur-watch-'));
    machines = await openTinyMachines(folder);
  });
  afterAll(async () => {
    await machines[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const run = async (machine: Machine, command: string) => {
    await using channel = await machines.substrate.channel(machine, machines.keys, signal);
    return await channel.run(command);
  };

  /** The connection goes first, and then the machine. */
  const endOf = async (machine: Machine) => {
    for (;;) {
      const error: unknown = await run(machine, 'sleep 600').catch((caught: unknown) => caught);
      if (error instanceof EndedByGuest || !(error instanceof PlatformFault)) return error;
    }
  };

  test.each([
    ['poweroff', 'off'],
    ['reboot', 'restart'],
  ] as const)('says that what runs in it asked for %s, and still knows later', async (command, how) => {
    const machine = await machines.boot(`run-1-${command}`);
    await run(machine, `(sleep 0.1; ${command}) >/dev/null 2>&1 </dev/null &`);
    expect(await endOf(machine)).toEqual(new EndedByGuest(how));
    // A server that was away meanwhile knows what QEMU still tells.
    const later = await machines.reopen();
    await expect(later.channel(machine, machines.keys, signal)).rejects.toEqual(new EndedByGuest('off or restart'));
    await later.close();
    await expect(machines.substrate.shellCommand(machine, machines.keys)).rejects.toBeInstanceOf(PlatformFault);
    await machines.substrate.destroy(machines.site, machine.token, signal);
  });

  test('keeps no more of what it prints than a ring holds, and little of what its QEMU says', async () => {
    const machine = await machines.boot('run-2-launch');
    const folder = path.join(machines.dataDir, 'machines', machine.token);
    const qemu = await findQemu(folder);
    await writeFile(`/proc/${qemu?.pid}/fd/2`, Buffer.alloc(1024 * 1024, 'x'));
    await run(machine, 'dd if=/dev/zero bs=1M count=3 2>/dev/null | tr "\\0" x >/dev/ttyS0; echo done >/dev/ttyS0');
    const sizes = await Promise.all(
      (await readdir(folder)).map(async (name) => (name === 'disk.qcow2' ? 0 : (await stat(path.join(folder, name))).size)),
    );
    expect(Math.max(...sizes)).toBe(64 * 1024);
    expect((await run(machine, 'true')).exitCode).toBe(0);
    await machines.substrate.destroy(machines.site, 'run-2-launch' as Token, signal);
  });
});
