import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError } from '@murmur/api';
import type { ImageInspectInfo } from 'dockerode';
import { extract } from 'tar-stream';

import { type ExportedImage, PlatformFault } from '../substrate.js';
import { type ArchiveFile, type Blob, createArchive } from './archive-file.js';
import { asked, type Engine } from './engine.js';
import { inspectImage } from './images.js';

/** Where exports wait to be read. */
export function exportsFolder(dataDir: string): string {
  return path.join(dataDir, 'docker', 'exports');
}

/** Makes the folder for exports, and removes what a server that died has left in it. */
export async function openExports(dataDir: string): Promise<void> {
  await rm(exportsFolder(dataDir), { recursive: true, force: true });
  await mkdir(exportsFolder(dataDir), { recursive: true, mode: 0o700 });
}

/**
 * Writes an image out as an OCI archive that `docker load` takes too. Each layer is compared with the digest that the image's
 * configuration has for it. Throws FAILED_PRECONDITION for an image that is in a registry and not in the engine.
 */
export async function exportArchive(engine: Engine, id: string, dataDir: string, signal: AbortSignal): Promise<ExportedImage> {
  const image = await inspectImage(engine, id, signal);
  if (image === undefined) throw notHere(id);
  const file = path.join(exportsFolder(dataDir), `${randomUUID()}.tar`);
  const remove = () => rm(file, { force: true });
  try {
    await using archive = await createArchive(file);
    await fill(archive, image, await asked(signal, () => engine.docker.getImage(image.Id).get()), signal);
    await archive.finish();
  } catch (error) {
    await remove();
    signal.throwIfAborted();
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') throw full(error);
    throw error;
  }
  return { file, [Symbol.asyncDispose]: remove };
}

/** Says that an image is to be taken from its registry. */
export function notHere(id: string): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', `${id} is not in the Docker engine of this server`, {
    hint: `Take it from its registry: skopeo copy docker://${id} oci-archive:FILE`,
  });
}

function full(cause: Error): MurmurError {
  return new MurmurError('RESOURCE_EXHAUSTED', "the disk of the server's host is full", { cause, hint: 'Try again when there is space.' });
}

async function fill(archive: ArchiveFile, image: ImageInspectInfo, saved: NodeJS.ReadableStream, signal: AbortSignal): Promise<void> {
  const { config: named, layers } = await takeApart(archive, saved, signal);
  // Engines since version 25 save an OCI layout, in which the configuration is one of the blobs.
  const config = named ?? layers.get(image.Id);
  if (config?.digest !== image.Id) throw new PlatformFault('the Docker engine handed out another image than was asked for');
  const wanted = image.RootFS.Layers ?? [];
  const blobs = wanted.map((digest) => layers.get(digest));
  const found = blobs.flatMap((blob) => blob ?? []);
  if (found.length !== wanted.length) {
    throw new MurmurError('FAILED_PRECONDITION', 'the image is damaged: a layer has other content than its configuration says', {
      hint: 'Bake the recipe again.',
    });
  }
  const manifest = await archive.addBlob(
    ...whole({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: found.map((blob) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...blob })),
    }),
  );
  const platform = { architecture: image.Architecture, os: image.Os };
  const listed = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest, platform };
  await archive.addFile('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  await archive.addFile('index.json', json({ schemaVersion: 2, manifests: [listed] }));
  // What Docker reads, which looks at the rest only since version 25.
  const tags = (image.RepoTags ?? []).filter((tag) => tag.endsWith(':latest'));
  await archive.addFile('manifest.json', json([{ Config: placeOf(config), RepoTags: tags, Layers: found.map(placeOf) }]));
}

/**
 * Takes the layers out of what the engine saves, by their digests, and the configuration. Only plain files count: a layer that
 * occurs twice is a link the second time. What is none of both is small and harmless, and is not looked for.
 */
async function takeApart(
  archive: ArchiveFile,
  saved: NodeJS.ReadableStream,
  signal: AbortSignal,
): Promise<{ config: Blob | undefined; layers: ReadonlyMap<string, Blob> }> {
  const layers = new Map<string, Blob>();
  let config: Blob | undefined;
  const entries = extract();
  saved.on('error', (error: Error) => entries.destroy(error));
  saved.pipe(entries);
  for await (const entry of entries) {
    signal.throwIfAborted();
    const { name, size, type } = entry.header;
    const isLayer = /(?:^|\/)layer\.tar$|^blobs\/sha256\/[0-9a-f]{64}$/.test(name);
    const isConfiguration = /^[0-9a-f]{64}\.json$/.test(name);
    if (type !== 'file' || !(isLayer || isConfiguration)) {
      entry.resume();
      continue;
    }
    const blob = await archive.addBlob(size, entry as AsyncIterable<Buffer>);
    if (isConfiguration) config = blob;
    else layers.set(blob.digest, blob);
  }
  return { config, layers };
}

function placeOf({ digest }: Blob): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function whole(value: unknown): [size: number, content: AsyncIterable<Buffer>] {
  const bytes = json(value);
  return [
    bytes.length,
    (async function* () {
      yield bytes;
    })(),
  ];
}
