import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import { PlacementSchema } from '@murmur/api';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { isGone } from '../../host/process-start.js';
import { deriveGuestKeys } from '../guest-keys.js';
import { runOnHost } from '../host-command.js';
import type { ResolvedBase, Token } from '../substrate.js';
import { connectEngine } from './engine.js';
import { exportsFolder } from './export.js';
import { createDockerSubstrate, type DockerSubstrate } from './index.js';
import { lastError } from './progress.js';
import { openParts, startTestEngine, type TestEngine } from './testing-engine.js';

const { signal } = new AbortController();
const keys = deriveGuestKeys(randomBytes(64));
const site = () => substrate.siteOf(create(PlacementSchema), '');

let engine: TestEngine;
let substrate: DockerSubstrate;
let baked: ResolvedBase;
beforeAll(async () => {
  engine = await startTestEngine();
  substrate = await createDockerSubstrate({ ...openParts, socket: engine.socket, dataDir: engine.folder });
  const owner = { installation: 'export', tenant: 'local/default', runId: 'run' };
  const token = 'export-1-launch' as Token;
  const machine = await substrate.launch(
    {
      ...{ owner, base: { immutableId: engine.base, architecture: 'AMD64' }, site: site(), attempt: 1, vcpus: 1, memoryMb: 64 },
      ...{ machineType: '', diskType: '', diskSizeGb: 0, keys, lifetimeSeconds: 600 },
    },
    token,
    signal,
  );
  await using channel = await substrate.channel(machine, keys, signal);
  await channel.run('echo kept >/marker');
  const artifact = await substrate.capture(machine, keys, { name: 'baked', token: 'export-1-capture' as Token, owner }, signal);
  await substrate.keepImage(site(), artifact.reference, signal);
  await substrate.destroy(site(), token, signal);
  baked = { immutableId: substrate.imageId(artifact.reference) ?? '', architecture: 'AMD64' };
}, 120_000);
afterAll(() => engine[Symbol.asyncDispose]());

test('an exported image is an OCI archive that skopeo reads, with the image’s own configuration', async () => {
  await using exported = await substrate.exportImage(site(), baked, signal);
  const inspected = JSON.parse(await runOnHost('skopeo', ['inspect', `oci-archive:${exported.file}`])) as {
    Layers: string[];
    Env: string[];
  };
  expect(inspected.Layers).toHaveLength(2);
  expect(inspected.Env).toContain('TINY=yes');
  // Copying reads every blob and compares it with its digest.
  await runOnHost('skopeo', ['--insecure-policy', 'copy', `oci-archive:${exported.file}`, `dir:${join(engine.folder, 'copied')}`]);
  expect(await readdir(exportsFolder(engine.folder))).toHaveLength(1);
});

test('docker load takes it, and has the same image again', async () => {
  const { docker } = await connectEngine(engine.socket);
  await using exported = await substrate.exportImage(site(), baked, signal);
  await docker.getImage('baked').remove();
  await expect(docker.getImage(baked.immutableId).inspect()).rejects.toThrow('No such image');
  expect(await lastError(await docker.loadImage(createReadStream(exported.file)), signal)).toBeUndefined();
  const { Id, RepoTags } = await docker.getImage('baked').inspect();
  expect([Id, RepoTags]).toEqual([baked.immutableId, ['baked:latest']]);
});

test('nothing stays of an export that was read, broken off, or left by a server that died', async () => {
  await (await substrate.exportImage(site(), baked, signal))[Symbol.asyncDispose]();
  const stop = AbortSignal.abort(new Error('enough'));
  await expect(substrate.exportImage(site(), baked, stop)).rejects.toThrow('enough');
  expect(await readdir(exportsFolder(engine.folder))).toEqual([]);
  await writeFile(join(exportsFolder(engine.folder), 'left.tar'), '');
  await createDockerSubstrate({ ...openParts, socket: engine.socket, dataDir: engine.folder });
  expect(await readdir(exportsFolder(engine.folder))).toEqual([]);
});

test('an image whose layers have rotted is not exported', async () => {
  const layers = join(engine.dataRoot, 'overlay2');
  for (const name of await readdir(layers)) {
    const file = join(layers, name, 'diff', 'marker');
    try {
      await writeFile(file, (await readFile(file, 'utf8')).replace('kept', 'rots'));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  await expect(substrate.exportImage(site(), baked, signal)).rejects.toThrow(/checksum|damaged|integrity|unexpected end/i);
  expect(await readdir(exportsFolder(engine.folder))).toEqual([]);
});
