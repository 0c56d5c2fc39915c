import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import { PlacementSchema } from '@murmur/api';

import { isGone } from '../../host/process-start.js';
import { describeSubstrate, type PlaceUnderTest } from '../conformance.js';
import type { Artifact } from '../substrate.js';
import { connectEngine } from './engine.js';
import { referenceIn } from './images.js';
import { createDockerSubstrate } from './index.js';
import { containerName } from './machine.js';
import { openParts, startTestEngine, type TestEngine } from './testing-engine.js';
import { proxyEngine } from './testing-proxy.js';

describeSubstrate('Docker', async (): Promise<PlaceUnderTest> => {
  const engine = await startTestEngine();
  const { docker } = await connectEngine(engine.socket);
  const proxy = await proxyEngine(engine.socket, join(engine.folder, 'proxy.sock'));
  const reopen = () => createDockerSubstrate({ ...openParts, socket: proxy.socket, dataDir: engine.folder });
  const substrate = await reopen();
  return {
    substrate,
    reopen,
    installation: 'conformance',
    base: { immutableId: engine.base, architecture: 'AMD64' },
    site: substrate.siteOf(create(PlacementSchema), ''),
    async kill({ token }) {
      await docker.getContainer(containerName(token)).kill();
    },
    damage: (artifact, how) => (how === 'plain' ? removeImage(engine, artifact) : changeLayer(engine, '/marker')),
    wire: proxy.wire,
    // The look-ups all go through the same few lines.
    isQuick: (_call, at) => !at.includes('inspect'),
    async left() {
      const [containers, images, { Volumes }] = await Promise.all([
        docker.listContainers({ all: true }),
        docker.listImages({ all: true }),
        docker.listVolumes(),
      ]);
      return [
        ...containers.flatMap(({ Names }) => Names),
        ...images.flatMap(({ Id, RepoTags }) => [Id, ...(RepoTags ?? [])]),
        ...(Volumes ?? []).map(({ Name }) => Name),
      ];
    },
    async revealed({ token }) {
      const container = docker.getContainer(containerName(token));
      const [configuration, changes, logs] = await Promise.all([container.inspect(), container.export(), readdir(engine.folder)]);
      const files: Buffer[] = [];
      for await (const chunk of changes) files.push(chunk as Buffer);
      return Buffer.concat([Buffer.from(JSON.stringify([configuration, logs])), ...files]);
    },
    async close() {
      await proxy[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
});

async function removeImage(engine: TestEngine, artifact: Artifact): Promise<void> {
  const { docker } = await connectEngine(engine.socket);
  const { RepoTags } = await docker.getImage(referenceIn(artifact.reference).id).inspect();
  for (const tag of RepoTags) await docker.getImage(tag).remove();
}

/** Writes into a layer where the engine keeps it unpacked, as a disk that rots does. */
async function changeLayer(engine: TestEngine, file: string): Promise<void> {
  const layers = join(engine.dataRoot, 'overlay2');
  for (const name of await readdir(layers)) {
    const found = join(layers, name, 'diff', file);
    const text = await readOrNothing(found);
    if (text !== undefined) await writeFile(found, text.replace('kept', 'rots'));
  }
}

async function readOrNothing(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
