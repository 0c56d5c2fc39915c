import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import { BuildBaseRequestSchema } from '@murmur/api';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { openKeyFile } from '../../secrets/key-provider.js';
import { createTenantKeys } from '../../secrets/tenant-keys.js';
import { createQemuSubstrate } from '../../substrates/qemu/index.js';
import { canMountLoops, openLoopDisk, type LoopDisk } from '../../substrates/qemu/testing-loop.js';
import { createBaseBuilds } from './build.js';

const log = pino({ level: 'silent' });
const { signal } = new AbortController();

describe.skipIf(!(await canMountLoops()))('a base build', { timeout: 600_000 }, () => {
  let db: TestDatabase;
  let runtimeDir: string;
  beforeAll(async () => {
    db = await testDatabase();
    runtimeDir = await mkdtemp(join(tmpdir(), 'murmur-base-'));
  });
  afterAll(async () => {
    await db.close();
    await rm(runtimeDir, { recursive: true, force: true });
  });

  /** How a build ends whose data folder is on this disk. */
  const built = async (disk: LoopDisk): Promise<unknown> => {
    const { baseBuilder } = await createQemuSubstrate({ dataDir: disk.folder, runtimeDir, installation: 'bases', log });
    const tenantKeys = createTenantKeys(db.database, await openKeyFile(join(runtimeDir, 'master.key')));
    const build = createBaseBuilds({ database: db.database, tenantKeys, builders: [baseBuilder], log });
    try {
      for await (const _ of build({ tenant: 'local/default', subject: 'tester' }, create(BuildBaseRequestSchema), signal)) continue;
      return undefined;
    } catch (error) {
      return error;
    }
  };

  const noRoom = {
    code: 'RESOURCE_EXHAUSTED',
    message: 'base image "murmur-qemu-base" was not built: the server\'s host has no room left on its disk',
  };

  test("on a full disk answers the host's words, and leaves nothing", async () => {
    await using disk = await openLoopDisk(16);
    await createQemuSubstrate({ dataDir: disk.folder, runtimeDir, installation: 'bases', log });
    const { bavail, bsize } = await statfs(disk.folder);
    await writeFile(join(disk.folder, 'filler'), Buffer.alloc((bavail - 20) * bsize));
    expect(await built(disk)).toMatchObject(noRoom);
    expect(await readdir(join(disk.folder, 'images'))).toEqual([]);
  });

  // Installs half a Debian.
  test.runIf(process.env['MURMUR_FULL'] === 'sweep')('that fills the disk answers the same', async () => {
    await using disk = await openLoopDisk(400);
    expect(await built(disk)).toMatchObject(noRoom);
    expect(await readdir(join(disk.folder, 'images'))).toEqual([]);
  });
});
