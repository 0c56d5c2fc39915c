import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Artifact, Token } from '../substrate.js';
import { imageFolder, openLayout, relativeDisk } from './layout.js';
import { canMountLoops, openLoopDisk, type LoopDisk } from './testing-loop.js';
import { openTinyMachines, type TinyMachines } from './testing-machine.js';

const run = promisify(execFile);
const { signal } = new AbortController();
const rounds = 20;

describe.skipIf(!(await canMountLoops()))('a power cut', { timeout: 180_000 }, () => {
  let disk: LoopDisk;
  let runtimeDir: string;
  let machines: TinyMachines;
  beforeAll(async () => {
    disk = await openLoopDisk(1024);
    runtimeDir = await mkdtemp(path.join(tmpdir(), 'murmur-cut-'));
    machines = await openTinyMachines(disk.folder, runtimeDir);
    await run('sync', ['-f', disk.folder]);
  });
  afterAll(async () => {
    await machines[Symbol.asyncDispose]();
    await disk[Symbol.asyncDispose]();
    await rm(runtimeDir, { recursive: true, force: true });
  });

  const artifactOf = (token: string) => ({ name: 'image', token: token as Token, owner: machines.spec.owner });

  test('right after a machine was captured leaves the whole image where the catalog will look for it', async () => {
    const machine = await machines.boot('run-1-launch');
    {
      await using channel = await machines.substrate.channel(machine, machines.keys, signal);
      await channel.run('dd if=/dev/urandom of=/kept bs=1M count=8');
    }
    const { reference } = await machines.substrate.capture(machine, machines.keys, artifactOf('run-1-capture'), signal);
    await disk.cutPower();
    expect(await (await machines.reopen()).imageExists(machines.site, reference, 'thorough', signal)).toBe(true);
  });

  test(`loses no image in ${rounds} rounds, each with a disk that a capture had just got hold of`, async () => {
    const layout = await openLayout(machines.dataDir, runtimeDir);
    const references: Artifact['reference'][] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const token = `round-${round}-capture`;
      const making = path.join(layout.images, `.making-${token}`);
      await mkdir(making);
      const base = machines.spec.base.immutableId;
      const image = path.join(making, 'disk.qcow2');
      await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', relativeDisk(base), 'disk.qcow2'], { cwd: making });
      await run('qemu-io', ['-f', 'qcow2', '-c', `write -P ${round} 0 2M`, image]);
      for (const name of ['kernel', 'initrd']) await run('ln', [path.join(imageFolder(layout, base), name), making]);
      await writeFile(path.join(making, 'note.json'), JSON.stringify({ parent: base, kernelChanged: false }));

      const machine = { site: machines.site, token: `round-${round}-launch` as Token, handle: {} };
      const { reference } = await machines.substrate.capture(machine, machines.keys, artifactOf(token), signal);
      references.push(reference);
      await disk.cutPower();

      for (const one of references) expect(await machines.substrate.imageExists(machines.site, one, 'quick', signal)).toBe(true);
    }
    for (const one of references) expect(await machines.substrate.imageExists(machines.site, one, 'thorough', signal)).toBe(true);
  });
});
