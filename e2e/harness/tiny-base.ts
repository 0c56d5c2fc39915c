import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema } from '@murmur/api';

import { writePlatformImage } from '../../packages/server/src/catalog/builtins.js';
import { buildTinyBase } from '../../packages/server/src/substrates/qemu/tiny.js';
import { murmurOk } from './cli.js';
import { connectToDatabase } from './database.js';
import type { TestServer } from './server.js';

/**
 * Puts the tiny test disk into a server's data as one that the platform built, and registers it as image `tiny`, so that
 * bakes take seconds.
 */
export async function setTinyImage(server: TestServer): Promise<void> {
  const runtimeDir = await mkdtemp(join(tmpdir(), 'murmur-tiny-'));
  try {
    const digest = await buildTinyBase({ dataDir: server.dataDir, runtimeDir });
    await registerPlatformDisk(server, digest);
    const document = { name: 'tiny', architecture: 'ARCHITECTURE_AMD64', qemu: { disk_digest: digest } };
    await murmurOk(server, ['set', 'image', 'tiny'], { stdin: JSON.stringify(document) });
  } finally {
    await rm(runtimeDir, { recursive: true, force: true });
  }
}

async function registerPlatformDisk(server: TestServer, diskDigest: string): Promise<void> {
  const connection = await connectToDatabase(server);
  try {
    const source = { case: 'qemu', value: { diskDigest } } as const;
    const image = create(ImageSchema, { name: 'murmur-tiny-base', architecture: Architecture.AMD64, source });
    await writePlatformImage(connection.database, image);
  } finally {
    await connection.close();
  }
}
