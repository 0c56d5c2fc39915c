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
    const connection = await connectToDatabase(server);
    const source = { case: 'qemu', value: { diskDigest: digest } } as const;
    await writePlatformImage(
      connection.database,
      create(ImageSchema, { name: 'murmur-tiny-base', architecture: Architecture.AMD64, source }),
    ).finally(() => connection.close());
    const document = { name: 'tiny', architecture: 'ARCHITECTURE_AMD64', qemu: { disk_digest: digest } };
    await murmurOk(server, ['set', 'image', 'tiny'], { stdin: JSON.stringify(document) });
  } finally {
    await rm(runtimeDir, { recursive: true, force: true });
  }
}
