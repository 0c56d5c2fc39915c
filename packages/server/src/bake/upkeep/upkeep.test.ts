import { access, copyFile, mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';

import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema, PlacementSchema } from '@murmur/api';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { createQemuSubstrate } from '../../substrates/qemu/index.js';
import { buildTinyBase } from '../../substrates/qemu/tiny.js';
import { deriveGuestKeys } from '../../substrates/guest-keys.js';
import { type Artifact, type Handle, PlatformFault, type Substrate, type Token } from '../../substrates/substrate.js';
import { allRights } from '../../substrates/testing/all-rights.js';
import { stepToken } from '../starting/names.js';
import { insertRun } from '../runs/testing-runs.js';
import { checkOldest } from './existence.js';
import { beat, enrol, type Starter } from '../hosts/enrol.js';
import { liveHosts } from '../hosts/live-hosts.js';
import { createReaper } from './reaper.js';

const tenant = 'local/default';
const installation = 'upkeep';
const log = pino({ level: 'silent' });

let db: TestDatabase;
let dataDir: string;
let substrate: Substrate;
let diskDigest: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'murmur-upkeep-'));
  db = await testDatabase();
  await db.database.insertInto('tenants').values({ id: tenant }).execute();
  substrate = await createQemuSubstrate({ dataDir, runtimeDir: dataDir, installation, log });
  diskDigest = await buildTinyBase({ dataDir, runtimeDir: dataDir });
});
afterAll(async () => {
  for (const token of await tokens()) await substrate.destroy(site(), token as Token, signal);
  await db.close();
  await rm(dataDir, { recursive: true, force: true });
});

const keys = deriveGuestKeys(randomBytes(64));
const { signal } = new AbortController();
const site = () => substrate.siteOf(create(PlacementSchema), tenant);

async function launch(runId: string, attempt = 1): Promise<Token> {
  const image = create(ImageSchema, { architecture: Architecture.AMD64, source: { case: 'qemu', value: { diskDigest } } });
  const token = stepToken(runId, attempt, 'launch');
  const spec = {
    owner: { installation, tenant, runId },
    base: await substrate.resolveBase(site(), image, allRights, signal),
    site: site(),
    attempt,
    diskType: '',
    vcpus: 1,
    memoryMb: 256,
    machineType: '',
    diskSizeGb: 0,
    keys,
    lifetimeSeconds: 600,
  };
  await substrate.launch(spec, token, signal);
  return token;
}

const artifactNamed = (name: string, reference: Handle) => ({
  tenant,
  image_name: name,
  recipe: 'r',
  image_hash: 'h',
  build_number: 1,
  run_id: 'none',
  artifact_name: 'a',
  substrate: 'QEMU',
  scope: 'qemu-local',
  reference: JSON.stringify(reference),
  image_id: substrate.imageId(reference) ?? null,
});

/** Captures a machine's disk for a run, and lets the machine go. */
async function captureFor(runId: string): Promise<Artifact> {
  const machine = { site: site(), token: await launch(runId), handle: {} };
  await substrate.waitReady(machine, keys, signal);
  const token = stepToken(runId, 1, 'capture');
  const artifact = await substrate.capture(machine, keys, { name: 'image', token, owner: { installation, tenant, runId } }, signal);
  await substrate.destroy(site(), machine.token, signal);
  return artifact;
}

/** Writes down that a bake of the run has registered this image. */
async function register(runId: string, { reference }: Artifact): Promise<void> {
  await db.database
    .insertInto('artifacts')
    .values({ ...artifactNamed(`r-${runId}`, reference), run_id: runId })
    .execute();
}

const parts = () => ({ database: db.database, substrates: new Map([['QEMU', substrate]] as const), installation, hostId: 'here', log });
const tokens = async () => (await substrate.listOwned(site(), installation, signal)).things.map(({ token }) => token as string).toSorted();

test('the reaper removes what no live run, kept machine or trial owns, and nothing else', { timeout: 120_000 }, async () => {
  const [live, ended, kept] = [
    await insertRun(db.database, tenant),
    await insertRun(db.database, tenant, { ended_at: new Date(), phase: 'failed' }),
    await insertRun(db.database, tenant, { ended_at: new Date(), phase: 'failed' }),
  ];
  await db.database.updateTable('runs').set({ attempt: 2 }).where('id', '=', live).execute();
  await db.database
    .updateTable('runs')
    .set({ kept_until: sql<Date>`now() + interval '1 hour'` })
    .where('id', '=', kept)
    .execute();
  const living = { hostId: 'living', instance: 'i' };
  await enrol(db.database, living, log);
  const trial = (id: string, executor: string) => ({ id, tenant, executor, token: `${id}-1-launch`, substrate: 'QEMU' });
  await db.database
    .insertInto('trials')
    .values([trial('try-aaaaaaaaaa', 'living'), trial('try-bbbbbbbbbb', 'dead')])
    .execute();
  const owned = [await launch(live, 2), await launch(kept), await launch('try-aaaaaaaaaa')];
  for (const runId of [live, ended, 'try-bbbbbbbbbb', 'try-cccccccccc']) await launch(runId);
  await db.database
    .insertInto('intents')
    .values({ token: `${ended}-1-launch`, run_id: ended, attempt: 1, step: 'launch', substrate: 'QEMU' })
    .execute();
  // A database that is only just being restored does not know its runs yet.
  owned.push(await launch('zzzzzzzzzz'));

  await beat(db.database, living);
  await createReaper(parts()).round();

  expect(await tokens()).toEqual(owned.toSorted());
  expect(await db.database.selectFrom('intents').select('token').where('settled_at', 'is', null).execute()).toEqual([]);
  expect(await db.database.selectFrom('trials').select('id').execute()).toEqual([{ id: 'try-aaaaaaaaaa' }]);
});

test('a captured disk goes that its bake neither registered nor removed, and a registered one stays', { timeout: 120_000 }, async () => {
  const failed = await insertRun(db.database, tenant);
  const completed = await insertRun(db.database, tenant);
  const [orphan, registered] = [await captureFor(failed), await captureFor(completed)];
  const mine = async () => (await tokens()).filter((token) => token.includes(failed) || token.includes(completed));
  await createReaper(parts()).round();
  expect(await mine()).toEqual([`${failed}-1-capture`, `${completed}-1-capture`].toSorted());

  await register(completed, registered);
  await db.database.updateTable('runs').set({ phase: 'completed', ended_at: new Date() }).where('id', '=', completed).execute();
  await db.database.updateTable('runs').set({ phase: 'failed', ended_at: new Date() }).where('id', '=', failed).execute();
  await createReaper(parts()).round();

  expect(await mine()).toEqual([]);
  expect(await substrate.imageExists(site(), orphan.reference, 'quick', signal)).toBe(false);
  expect(await substrate.imageExists(site(), registered.reference, 'thorough', signal)).toBe(true);
  expect((await readdir(join(dataDir, 'images'))).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('a disk that two bakes came to stays while one of them may still register it', { timeout: 120_000 }, async () => {
  const [live, failed] = [await insertRun(db.database, tenant), await insertRun(db.database, tenant)];
  const { reference, source } = await captureFor(live);
  const note = (runId: string) => join(dataDir, 'images', `.captured-${runId}-1-capture.json`);
  await copyFile(note(live), note(failed));
  const twin = { source, reference: { ...reference, token: `${failed}-1-capture` } };
  await db.database.updateTable('runs').set({ phase: 'failed', ended_at: new Date() }).where('id', '=', failed).execute();

  await createReaper(parts()).round();
  expect(await substrate.imageExists(site(), reference, 'quick', signal)).toBe(true);
  await expect(access(note(failed))).rejects.toThrow('ENOENT');

  await db.database.updateTable('runs').set({ phase: 'failed', ended_at: new Date() }).where('id', '=', live).execute();
  await createReaper(parts()).round();
  expect(await substrate.imageExists(site(), twin.reference, 'quick', signal)).toBe(false);
});

test('an image on the host of another server is not taken for missing', { timeout: 120_000 }, async () => {
  const otherDir = await mkdtemp(join(tmpdir(), 'murmur-other-'));
  const other = await createQemuSubstrate({ dataDir: otherDir, runtimeDir: otherDir, installation, log });
  const runId = await insertRun(db.database, tenant);
  const artifact = await captureFor(runId);
  await register(runId, artifact);
  await substrate.keepImage(site(), artifact.reference, signal);
  await db.database
    .updateTable('artifacts')
    .set({ checked_at: new Date(0) })
    .execute();

  await checkOldest({ ...parts(), substrates: new Map([['QEMU', other]] as const) }, signal);

  expect(await db.database.selectFrom('artifacts').select('image_name').where('missing_at', 'is not', null).execute()).toEqual([]);
  await expect(other.imageExists(site(), artifact.reference, 'quick', signal)).rejects.toBeInstanceOf(PlatformFault);
  await db.database.deleteFrom('artifacts').execute();
  await rm(otherDir, { recursive: true, force: true });
});

test('a host lives as long as it beats', async () => {
  const [one, two]: readonly [Starter, Starter] = [
    { hostId: 'one', instance: 'a' },
    { hostId: 'two', instance: 'b' },
  ];
  for (const starter of [one, two]) await enrol(db.database, starter, log);
  await db.database
    .updateTable('hosts')
    .set({ seen_at: sql<Date>`now() - interval '1 minute'` })
    .where('id', '=', 'two')
    .execute();
  expect([...(await liveHosts(db.database))]).toEqual(expect.arrayContaining(['one']));
  expect(await liveHosts(db.database)).not.toContain('two');
  expect(await beat(db.database, two)).toBe(true);
  expect(await liveHosts(db.database)).toContain('two');
});

test('an image that cannot even be looked at does not keep the others from their turn', async () => {
  await db.database
    .insertInto('artifacts')
    .values([
      { ...artifactNamed('odd', { nothing: 'known' }), checked_at: new Date(0) },
      { ...artifactNamed('gone', { diskDigest: `sha256:${'0'.repeat(64)}` }), checked_at: new Date(1) },
    ])
    .execute();
  await checkOldest(parts(), signal);
  await checkOldest(parts(), signal);
  const missing = await db.database.selectFrom('artifacts').select('image_name').where('missing_at', 'is not', null).execute();
  await db.database.deleteFrom('artifacts').execute();
  expect(missing).toEqual([{ image_name: 'gone' }]);
});

test('an image that was damaged is noticed when its turn comes', async () => {
  const missing = async () => {
    await db.database
      .updateTable('artifacts')
      .set({ checked_at: sql<Date>`now() - interval '2 days'` })
      .execute();
    await checkOldest(parts(), signal);
    return (await db.database.selectFrom('artifacts').select(['missing_at', 'checked_at']).executeTakeFirstOrThrow()).missing_at !== null;
  };
  await db.database.insertInto('artifacts').values(artifactNamed('r-1', { diskDigest })).execute();
  expect(await missing()).toBe(false);
  await truncate(join(dataDir, 'images', diskDigest.replace(':', '-'), 'disk.qcow2'), 1000);
  expect(await missing()).toBe(true);
});
