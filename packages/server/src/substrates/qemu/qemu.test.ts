import { chmod, mkdtemp, open, readdir, readFile, rm, truncate, utimes, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { PlacementSchema } from '@murmur/api';
import pino from 'pino';

import { describeSubstrate, type PlaceUnderTest } from '../conformance.js';
import type { Artifact } from '../substrate.js';
import { createQemuSubstrate } from './index.js';
import { findQemu } from './machine-process.js';
import { standBeforeQemu } from './testing-wire.js';
import { buildTinyBase } from './tiny.js';

/** Machines take seconds here: outside of a sweep, only those calls meet their faults for which none has to boot. */
const quickCalls = ['resolveBase', 'imageExists, quick', 'discardImage, gone', 'destroy, gone', 'listOwned'];

describeSubstrate('QEMU', async (): Promise<PlaceUnderTest> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'murmur-qemu-'));
  const places = { dataDir: path.join(folder, 'data'), runtimeDir: path.join(folder, 'run') };
  const installation = 'conformance';
  const host = await standBeforeQemu(folder);
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
    wire: host.wire,
    isQuick: (call) => quickCalls.includes(call),
    async left() {
      const names = await Promise.all(
        ['data/machines', 'data/images', 'run'].map(async (name) =>
          (await readdir(path.join(folder, name))).map((file) => `${name}/${file}`),
        ),
      );
      return [...names.flat(), ...(await processesNaming(path.join(places.dataDir, 'machines')))];
    },
    async revealed({ token }) {
      const machine = path.join(places.dataDir, 'machines', token);
      const files = await Promise.all((await readdir(machine)).map((name) => readFile(path.join(machine, name))));
      return Buffer.concat([Buffer.from((await processesNaming(machine)).join('\n')), ...files]);
    },
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
      await host[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

/** The arguments and environments of the processes that name a folder. */
async function processesNaming(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [line, environment] = await Promise.all(
      ['cmdline', 'environ'].map((of) => readFile(`/proc/${pid}/${of}`, 'utf8').catch(() => '')),
    );
    if (line?.includes(folder) === true) found.push(`${pid} ${line} ${environment}`);
  }
  return found;
}

function folderOf(artifact: Artifact): string {
  const digest = artifact.reference['diskDigest'];
  if (typeof digest !== 'string') throw new TypeError('the artifact names no disk');
  return digest.replace(':', '-');
}
