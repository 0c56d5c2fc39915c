import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startEmulator, type Emulator } from '../emulator.js';

/** Boots two machines. `MURMUR_FULL=sweep` runs it. */
describe.runIf(process.env['MURMUR_FULL'] === 'sweep')('libcloud, as Debian has it', () => {
  let folder: string;
  let emulator: Emulator;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gce-'));
    emulator = await startEmulator({ listen: { host: '127.0.0.1', port: 0 }, dataDir: folder });
  });
  afterAll(async () => {
    await emulator[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('bakes an image over SSH that boots with what was baked', { timeout: 600_000 }, async () => {
    const script = path.join(import.meta.dirname, 'bake.py');
    // Debian's own, wherever another python stands before it.
    const baked = await promisify(execFile)('/usr/bin/python3', [script, path.join(folder, 'emulator.json'), folder]);
    const { image, marker, nodes } = JSON.parse(baked.stdout) as { image: string; marker: string; nodes: readonly string[] };
    expect([marker, nodes]).toEqual(['baked', []]);
    const { disks, images, instances } = emulator.world;
    expect(images.get('emulated-project/made-by-libcloud')).toMatchObject({ id: image, status: 'READY' });
    expect([disks.size, images.size, instances.size]).toEqual([0, 2, 0]);
  });
});
