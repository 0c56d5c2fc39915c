import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import {
  Architecture,
  ExportImageRequestSchema,
  ImageSchema,
  MurmurError,
  StartBakeRequestSchema,
  TryImageRequestSchema,
} from '@murmur/api';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { everything } from '../../catalog/context.js';
import { writeBuiltins, writePlatformImage } from '../../catalog/builtins.js';
import { testContext } from '../../catalog/testing.js';
import { setResource } from '../../catalog/verbs/set.js';
import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { openKeyFile } from '../../secrets/key-provider.js';
import { createTenantKeys } from '../../secrets/tenant-keys.js';
import { createQemuSubstrate } from '../../substrates/qemu/index.js';
import { buildTinyBase } from '../../substrates/qemu/tiny.js';
import { testRoom } from '../room/testing.js';
import { createExporter } from './export.js';
import { rightsOf } from './rights.js';
import { startBake, type StartParts } from '../starting/start.js';
import { tryImage } from './try.js';

const baker = { tenant: 'local/baker', subject: 'tester', permits: everything };
const thief = { tenant: 'local/thief', subject: 'tester', permits: everything };
const elsewhere = { tenant: 'github_app/acme', subject: 'tester', permits: { ...everything, usesHost: false } };
const { signal } = new AbortController();
const place = { environment: 'murmur-qemu-small', placement: 'murmur-qemu-local' };

let db: TestDatabase;
let dataDir: string;
let diskDigest: string;
let parts: StartParts;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'murmur-local-'));
  db = await testDatabase();
  await db.database
    .insertInto('tenants')
    .values([baker, thief, elsewhere].map(({ tenant }) => ({ id: tenant })))
    .execute();
  await writeBuiltins(db.database, { localSubstrates: ['QEMU'], localArchitecture: 'AMD64' });
  const log = pino({ level: 'silent' });
  const substrate = await createQemuSubstrate({ dataDir, runtimeDir: dataDir, installation: 'local', log });
  diskDigest = await buildTinyBase({ dataDir, runtimeDir: dataDir });
  parts = {
    database: db.database,
    tenantKeys: createTenantKeys(db.database, await openKeyFile(join(dataDir, 'master.key'))),
    substrates: new Map([['QEMU', substrate]]),
    room: testRoom(),
    log,
    hostId: 'local',
    begin: () => Promise.resolve(),
  };
  await db.database
    .insertInto('artifacts')
    .values({
      tenant: baker.tenant,
      image_name: 'baked',
      recipe: 'r',
      image_hash: 'h',
      build_number: 1,
      run_id: 'none',
      artifact_name: 'a',
      substrate: 'QEMU',
      scope: 'qemu-local',
      reference: JSON.stringify({ diskDigest }),
      image_id: diskDigest,
    })
    .execute();
  for (const by of [baker, thief]) {
    await set('image', by, { name: 'named', architecture: 'ARCHITECTURE_AMD64', qemu: { disk_digest: diskDigest } });
    const script = { provisioning_script: '#!/bin/sh\ntrue\n', provisioning_timeout: '1m' };
    await set('recipe', by, { name: 'on-it', base_image_qemu_ref: 'named', ...script });
  }
});
afterAll(async () => {
  await db.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function set(kind: string, by: typeof baker, document: Record<string, unknown> & { name: string }): Promise<void> {
  await setResource(testContext(db.database, by), { kind, name: document.name, document: JSON.stringify(document), fields: [] });
}

async function exported(by: typeof baker, name: string): Promise<bigint> {
  const request = create(ExportImageRequestSchema, { name });
  for await (const { totalBytes } of createExporter(parts)(by, request, signal)) return totalBytes;
  throw new Error('nothing was exported');
}
const tried = (by: typeof baker) => {
  const request = create(TryImageRequestSchema, { image: 'named', ...place, command: ['true'] });
  const server = { installation: 'local', hostId: 'e', admission: { look: () => Promise.resolve() } };
  return tryImage({ ...parts, ...server }, by, request, signal).next();
};
const baked = (by: typeof baker) => startBake(parts, by, create(StartBakeRequestSchema, { recipe: 'on-it', ...place }), signal);

test('an image written by hand that names the disk of another tenant is as good as none', async () => {
  const absent = { code: 'FAILED_PRECONDITION', message: `image "named": disk ${diskDigest} is not on this server` };
  for (const use of [() => exported(thief, 'named'), () => tried(thief), () => baked(thief)]) {
    await expect(use()).rejects.toMatchObject(absent);
  }
});

test('one that names a disk of its own tenant serves', async () => {
  expect(await exported(baker, 'named')).toBeGreaterThan(0n);
  expect((await baked(baker)).runId).not.toBe('');
});

test('the platform’s bases, also older ones, serve every tenant that may use this host, and no other', async () => {
  for (const digest of [diskDigest, `sha256:${'0'.repeat(64)}`]) {
    const source = { case: 'qemu', value: { diskDigest: digest } } as const;
    await writePlatformImage(db.database, create(ImageSchema, { name: 'murmur-qemu-base', architecture: Architecture.AMD64, source }));
  }
  expect(await exported(thief, 'named')).toBeGreaterThan(0n);
  await expect(exported(elsewhere, 'murmur-qemu-base')).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: 'substrate SUBSTRATE_QEMU is not available on this server',
  });
});

test('a secret is lent to who may use it, and nobody else learns whether it is there', async () => {
  await setResource(
    { ...testContext(db.database, baker), tenantKeys: parts.tenantKeys },
    {
      kind: 'secret',
      name: 'REGISTRY',
      document: JSON.stringify({ name: 'REGISTRY', plaintext_value: 'user:word' }),
      fields: [],
    },
  );
  expect(await rightsOf(parts, baker).secret('REGISTRY')).toBe('user:word');
  await expect(rightsOf(parts, baker).secret('ABSENT')).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: 'secret "ABSENT" does not exist',
  });
  await expect(rightsOf(parts, thief).secret('REGISTRY')).rejects.toMatchObject({ message: 'secret "REGISTRY" does not exist' });
  const lacking = new MurmurError('PERMISSION_DENIED', 'missing permission secret.assume');
  const permits = {
    ...everything,
    require: () => {
      throw lacking;
    },
  };
  for (const name of ['REGISTRY', 'ABSENT']) await expect(rightsOf(parts, { ...baker, permits }).secret(name)).rejects.toBe(lacking);
});
