import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { PlatformFault, type Machine, type Token } from '../substrate.js';
import { canMountLoops, openLoopDisk, type LoopDisk } from './testing-loop.js';
import { openTinyMachines, type TinyMachines } from './testing-machine.js';

const megabyte = 1024 * 1024;
const endless = new AbortController().signal;

const mayMount = await canMountLoops();
const full = new PlatformFault("the server's host has no room left on its disk", { kind: 'no-room' });

test.skipIf(!mayMount)("a host's disk that takes no more files fails a launch as the host's fault", { timeout: 120_000 }, async () => {
  await using disk = await openLoopDisk(256, '-N', '64');
  const runtimeDir = await mkdtemp(path.join(tmpdir(), 'murmur-files-'));
  const machines = await openTinyMachines(disk.folder, runtimeDir);
  const { bavail, ffree } = await statfs(disk.folder);
  for (let left = ffree; left > 0; left -= 1) await writeFile(path.join(disk.folder, String(left)), '');
  expect((await statfs(disk.folder)).bavail).toBeGreaterThan(bavail / 2);
  await expect(machines.substrate.launch(machines.spec, 'run-1-launch' as Token, endless)).rejects.toEqual(full);
  await machines.substrate.close();
  await rm(runtimeDir, { recursive: true });
});

describe.skipIf(!mayMount)("a host's disk", { timeout: 300_000 }, () => {
  let disk: LoopDisk;
  let runtimeDir: string;
  let machines: TinyMachines;
  let machine: Machine;
  beforeAll(async () => {
    disk = await openLoopDisk(512);
    runtimeDir = await mkdtemp(path.join(tmpdir(), 'murmur-full-'));
    machines = await openTinyMachines(disk.folder, runtimeDir);
    machine = await machines.boot('run-1-launch');
  });
  afterAll(async () => {
    await machines.substrate.destroy(machines.site, machine.token, endless).catch(() => undefined);
    await machines.substrate.close();
    await disk[Symbol.asyncDispose]();
    await rm(runtimeDir, { recursive: true, force: true });
  });

  const filler = () => path.join(disk.folder, 'filler');
  const fill = async (leavingMb: number) => {
    const { bavail, bsize } = await statfs(disk.folder);
    try {
      await writeFile(filler(), Buffer.alloc(Math.max(0, bavail * bsize - leavingMb * megabyte)));
    } catch (error) {
      // As full as it gets.
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  };
  const write = async (signal: AbortSignal) => {
    await using channel = await machines.substrate.channel(machine, machines.keys, signal);
    return await channel.run('dd if=/dev/urandom of=/big bs=1M count=64 conv=fsync', { signal });
  };

  test('that is full pauses a machine, which goes on once there is room', async () => {
    await fill(8);
    expect(await write(AbortSignal.timeout(20_000)).catch((error: unknown) => error)).toEqual(full);
    await rm(filler());
    expect((await write(endless)).exitCode).toBe(0);
  });

  test("that is full fails a launch as the host's fault", async () => {
    await fill(0);
    const launched = machines.substrate.launch(machines.spec, 'run-2-launch' as Token, endless);
    await expect(launched).rejects.toEqual(full);
    await machines.substrate.destroy(machines.site, 'run-2-launch' as Token, endless);
    await rm(filler());
  });

  test('that fails ends what a machine is asked in words that say so', async () => {
    await disk.fail();
    const error = await write(AbortSignal.timeout(120_000)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PlatformFault);
    expect(String(error)).toContain("the server's host could not read or write");
  });
});
