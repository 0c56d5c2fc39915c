import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import { Architecture, type ExportImageResponse, ExportImageRequestSchema, ImageSchema } from '@murmur/api';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { writeBuiltins, writePlatformImage } from '../../catalog/builtins.js';
import { everything } from '../../catalog/context.js';
import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { watchDiskSpace } from '../../host/disk-space.js';
import { openKeyFile } from '../../secrets/key-provider.js';
import { createTenantKeys } from '../../secrets/tenant-keys.js';
import { createQemuSubstrate } from '../../substrates/qemu/index.js';
import { buildTinyBase } from '../../substrates/qemu/tiny.js';
import { testRoom } from '../room/testing.js';
import { createExporter, type ExportParts } from './export.js';

const tenant = 'local/default';
const reader = { tenant, permits: everything };
const request = create(ExportImageRequestSchema, { name: 'murmur-qemu-base' });
const { signal } = new AbortController();

let db: TestDatabase;
let dataDir: string;
let parts: ExportParts;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'murmur-export-'));
  db = await testDatabase();
  await db.database.insertInto('tenants').values({ id: tenant }).execute();
  await writeBuiltins(db.database, { localSubstrates: ['QEMU'], localArchitecture: 'AMD64' });
  const log = pino({ level: 'silent' });
  const substrate = await createQemuSubstrate({ dataDir, runtimeDir: dataDir, installation: 'export', log });
  const diskDigest = await buildTinyBase({ dataDir, runtimeDir: dataDir });
  const source = { case: 'qemu', value: { diskDigest } } as const;
  await writePlatformImage(db.database, create(ImageSchema, { name: 'murmur-qemu-base', architecture: Architecture.AMD64, source }));
  const tenantKeys = createTenantKeys(db.database, await openKeyFile(join(dataDir, 'master.key')));
  parts = { database: db.database, tenantKeys, substrates: new Map([['QEMU', substrate]]), room: testRoom(), log };
});
afterAll(async () => {
  await db.close();
  await rm(dataDir, { recursive: true, force: true });
});

const exports = () => readdir(join(dataDir, 'exports'));

async function readAll(pieces: AsyncIterable<ExportImageResponse>): Promise<number> {
  let bytes = 0;
  for await (const { chunk } of pieces) bytes += chunk.length;
  return bytes;
}

test('a third image at once is refused, and is exported once another has ended', async () => {
  const exportImage = createExporter(parts);
  const [first, second] = [exportImage(reader, request, signal), exportImage(reader, request, signal)];
  await Promise.all([first.next(), second.next()]);
  await expect(exportImage(reader, request, signal).next()).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    message: '2 images are being exported already, the most at once',
  });
  // One reader leaves, the other reads on.
  await first.return(undefined);
  expect(await readAll(exportImage(reader, request, signal))).toBeGreaterThan(0);
  expect(await readAll(second)).toBeGreaterThan(0);
  expect(await exports()).toEqual([]);
});

test('a reader who takes nothing keeps neither the disk nor the turn of others', async () => {
  const exportImage = createExporter(parts, 50);
  const stalled = [exportImage(reader, request, signal), exportImage(reader, request, signal)];
  await Promise.all(stalled.map((pieces) => pieces.next()));
  await vi.waitFor(async () => expect(await exports()).toEqual([]), { timeout: 20_000 });
  expect((await firstPiece(exportImage)).totalBytes).toBeGreaterThan(0n);
  for (const pieces of stalled) await expect(readAll(pieces)).rejects.toMatchObject({ code: 'ABORTED' });
  expect(await exports()).toEqual([]);
});

async function firstPiece(exportImage: ReturnType<typeof createExporter>): Promise<ExportImageResponse> {
  const pieces = exportImage(reader, request, signal);
  const { value } = await pieces.next();
  await pieces.return(undefined);
  if (value === undefined) throw new Error('nothing was exported');
  return value as ExportImageResponse;
}

test('nothing is exported onto a disk that is too full', async () => {
  const disk = watchDiskSpace(dataDir, { bytes: Number.MAX_SAFE_INTEGER, percent: 100 });
  await expect(createExporter({ ...parts, room: testRoom({ disk }) })(reader, request, signal).next()).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    message: 'the disk of the server\'s host is too full for an export of image "murmur-qemu-base"',
  });
  expect(await exports()).toEqual([]);
});
