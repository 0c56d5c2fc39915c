import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { buildTinyBase } from '../../packages/server/src/substrates/qemu/tiny.js';
import { murmurOk } from './cli.js';
import type { TestServer } from './server.js';

/** Puts the tiny test disk into a server's data and registers it as image `tiny`, so that bakes take seconds. */
export async function setTinyImage(server: TestServer): Promise<void> {
  const runtimeDir = await mkdtemp(join(tmpdir(), 'murmur-tiny-'));
  try {
    const digest = await buildTinyBase({ dataDir: server.dataDir, runtimeDir });
    const document = { name: 'tiny', architecture: 'ARCHITECTURE_AMD64', qemu: { disk_digest: digest } };
    await murmurOk(server, ['set', 'image', 'tiny'], { stdin: JSON.stringify(document) });
  } finally {
    await rm(runtimeDir, { recursive: true, force: true });
  }
}
