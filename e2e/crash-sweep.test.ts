import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { openRuntimeDir } from '../packages/server/src/host/runtime-dir.js';
import { describeCrashSweep } from './harness/crash-sweep.js';
import { machineFolders, machinesOf } from './harness/machines.js';
import { startServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';

describeCrashSweep('QEMU', async () => {
  const server = await startServer();
  await setTinyImage(server);
  return {
    server,
    environment: 'murmur-qemu-small',
    placement: 'murmur-qemu-local',
    baseField: 'base_image_qemu_ref',
    nameOf: ({ qemu }) => (qemu as { disk_digest: string }).disk_digest.replace(':', '-'),
    things: async () => [
      ...(await machinesOf(server.dataDir)).map(({ pid }) => `process ${pid}`),
      ...(await machineFolders(server.dataDir)),
      ...(await readdir(join(server.dataDir, 'images'))),
      ...(await readdir(await openRuntimeDir(server.dataDir))).filter((name) => name.endsWith('.qmp')),
    ],
    [Symbol.asyncDispose]: () => server.remove(),
  };
});
