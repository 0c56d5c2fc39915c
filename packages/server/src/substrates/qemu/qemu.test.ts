import { chmod, mkdtemp, open, rm, truncate, utimes, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { PlacementSchema } from '@murmur/api';
import pino from 'pino';

import { describeSubstrate, type SubstrateUnderTest } from '../conformance.js';
import type { Artifact } from '../substrate.js';
import { createQemuSubstrate } from './index.js';
import { findQemu } from './machine-process.js';
import { buildTinyBase } from './tiny.js';

describeSubstrate('QEMU', async (): Promise<SubstrateUnderTest> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'murmur-qemu-'));
  const places = { dataDir: path.join(folder, 'data'), runtimeDir: path.join(folder, 'run') };
  const installation = 'conformance';
  const reopen = () => createQemuSubstrate({ ...places, installation, log: pino({ level: 'silent' }) });
  const substrate = await reopen();
  const site = substrate.siteOf(create(PlacementSchema), '');
  const { signal } = new AbortController();
  return {
    substrate,
    reopen,
    installation,
    base: { immutableId: await buildTinyBase(places), architecture: 'AMD64' },
    site,
    async kill({ token }) {
      const qemu = await findQemu(path.join(places.dataDir, 'machines', token));
      if (qemu === undefined) throw new Error('the machine does not run');
      process.kill(qemu.pid, 'SIGKILL');
    },
    async damage(artifact, how) {
      const disk = path.join(places.dataDir, 'images', folderOf(artifact), 'disk.qcow2');
      const { size, atime, mtime } = await stat(disk);
      await chmod(disk, 0o600);
      if (how === 'plain') return truncate(disk, size - 1);
      const handle = await open(disk, 'r+');
      await handle.write(Buffer.from('damage'), 0, 6, Math.floor(size / 2));
      await handle.close();
      // A disk that rots keeps its times.
      await utimes(disk, atime, mtime);
    },
    async close() {
      for (const thing of (await substrate.listOwned(site, installation, signal)).things)
        await substrate.destroy(site, thing.token, signal);
      await rm(folder, { recursive: true, force: true });
    },
  };
});

function folderOf(artifact: Artifact): string {
  const digest = artifact.reference['diskDigest'];
  if (typeof digest !== 'string') throw new TypeError('the artifact names no disk');
  return digest.replace(':', '-');
}
