import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import Docker from 'dockerode';
import { expect, test } from 'vitest';

import { runOnHost } from '../host-command.js';
import { createBaseBuilder } from './base.js';

test.skipIf(process.getuid?.() !== 0)(
  "a base that the host's disk has no room for is said to be that, not a fault of the server",
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'murmur-base-'));
    // Room for two files: itself, and the folder that builds are in.
    await runOnHost('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=2', 'full', folder]);
    try {
      const socket = path.join(folder, 'nobody.sock');
      const builder = createBaseBuilder({ docker: new Docker({ socketPath: socket }), socket, id: 'none' }, folder);
      const built = builder.build({ rebuild: true, onProgress: () => undefined, signal: new AbortController().signal });
      await expect(built).rejects.toMatchObject({ kind: 'no-room', message: "the server's host has no room left on its disk" });
    } finally {
      await runOnHost('umount', [folder]);
      await rm(folder, { recursive: true, force: true });
    }
  },
);
