import { cp, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema, PlacementSchema } from '@murmur/api';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { writeBuiltins, writePlatformImage } from '../../catalog/builtins.js';
import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { createQemuSubstrate } from '../../substrates/qemu/index.js';
import { buildTinyBase } from '../../substrates/qemu/tiny.js';
import type { Substrate } from '../../substrates/substrate.js';
import { insertRun } from '../runs/testing-runs.js';
import { retireOldBases } from './retire.js';

const log = pino({ level: 'silent' });
const [first, second] = ['1', '2'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];
const longAgo = new Date(Date.now() - 7_200_000);

let db: TestDatabase;
let dataDir: string;
let substrate: Substrate;

beforeEach(async () => {
  db = await testDatabase();
  await db.database.insertInto('tenants').values({ id: 'local/default' }).execute();
  await writeBuiltins(db.database, { localSubstrates: ['QEMU'], localArchitecture: 'AMD64' });
  dataDir = await mkdtemp(join(tmpdir(), 'murmur-bases-'));
  substrate = await createQemuSubstrate({ dataDir, runtimeDir: dataDir, installation: 'bases', log });
  const tiny = await buildTinyBase({ dataDir, runtimeDir: dataDir });
  for (const digest of [first, second]) await makeBase(tiny, digest);
  await rm(folderOf(tiny), { recursive: true });
});
afterEach(async () => {
  await db.close();
  await rm(dataDir, { recursive: true, force: true });
});

const folderOf = (digest: string) => join(dataDir, 'images', digest.replace(':', '-'));
const manifestOf = (digest: string) => join(folderOf(digest), 'manifest.json');

/** A base that a build gave out two hours ago. */
async function makeBase(tiny: string, digest: string, changes: Record<string, unknown> = { inputs: 'packages' }): Promise<void> {
  await cp(folderOf(tiny), folderOf(digest), { recursive: true });
  const manifest = JSON.parse(await readFile(manifestOf(digest), 'utf8')) as { disk: object };
  await writeFile(manifestOf(digest), JSON.stringify({ ...manifest, ...changes, disk: { ...manifest.disk, digest } }));
  await utimes(manifestOf(digest), longAgo, longAgo);
}

async function retire(): Promise<readonly string[]> {
  await retireOldBases({ database: db.database, substrates: new Map([['QEMU', substrate]]), log });
  return (await readdir(join(dataDir, 'images'))).map((name) => name.replace('-', ':'));
}

async function register(diskDigest: string, at = longAgo): Promise<void> {
  const source = { case: 'qemu', value: { diskDigest } } as const;
  await writePlatformImage(db.database, create(ImageSchema, { name: 'murmur-qemu-base', architecture: Architecture.AMD64, source }));
  await db.database.updateTable('resources').set({ updated_at: longAgo }).execute();
  await db.database.updateTable('resources').set({ updated_at: at }).where('name', '=', 'murmur-qemu-base').execute();
}

test('a base that another one has replaced goes', async () => {
  await register(first);
  await register(second);
  expect(await retire()).toEqual([second]);
});

test('a base that was replaced a moment ago stays', async () => {
  await register(second, new Date());
  expect(await retire()).toEqual([first, second]);
});

test('a base that a build has just given out again stays', async () => {
  await register(second);
  await utimes(manifestOf(first), new Date(), new Date());
  expect(await retire()).toEqual([first, second]);
});

test('no base goes while the catalog names none of them', async () => {
  await register(`sha256:${'0'.repeat(64)}`);
  expect(await retire()).toEqual([first, second]);
});

test('a base that a bake uses stays until it has ended', async () => {
  await register(second);
  const runId = await insertRun(db.database, 'local/default');
  const inputs = JSON.stringify({ base: { immutableId: first } });
  await db.database.updateTable('runs').set({ inputs }).where('id', '=', runId).execute();
  expect(await retire()).toEqual([first, second]);
  await db.database
    .updateTable('runs')
    .set({ ended_at: sql<Date>`now()` })
    .where('id', '=', runId)
    .execute();
  expect(await retire()).toEqual([second]);
});

test('a base that an image stands on stays on disk with it', async () => {
  await register(second);
  const child = `sha256:${'3'.repeat(64)}`;
  await makeBase(second, child, { parent: first, inputs: undefined });
  expect(await retire()).toEqual([first, second, child]);
  expect(
    await substrate.imageExists(
      substrate.siteOf(create(PlacementSchema), ''),
      { diskDigest: first },
      'quick',
      new AbortController().signal,
    ),
  ).toBe(false);
});
