import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { startEmulator, type Emulator } from '../emulator.js';

let folder: string;
let emulator: Emulator;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'ec2-'));
  emulator = await startEmulator({ listen: { host: '127.0.0.1', port: 0 }, dataDir: folder });
});
afterAll(async () => {
  await emulator[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('boto3, as Debian has it, bakes an image over SSH that boots with what was baked', async () => {
  const script = path.join(import.meta.dirname, 'bake.py');
  // Debian's own, wherever another python stands before it.
  const baked = await promisify(execFile)('/usr/bin/python3', [script, path.join(folder, 'emulator.json'), folder]);
  const { image, marker, snapshot } = JSON.parse(baked.stdout) as Record<string, string>;
  expect(marker).toBe('baked');
  const world = emulator.worlds.get(emulator.description.region);
  expect(world?.images.get(image ?? '')).toMatchObject({ name: 'made by boto3', state: 'available', snapshotId: snapshot });
  expect([...(world?.instances.values() ?? [])].map(({ state }) => state)).toEqual(['terminated', 'terminated']);
  expect([world?.volumes.size, world?.keys.size, world?.images.size, world?.snapshots.size]).toEqual([0, 0, 2, 2]);
}, 600_000);
