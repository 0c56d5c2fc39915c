import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import { PlacementSchema } from '@murmur/api';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type TestCatalog, testCatalog } from '../../../catalog/testing.js';
import { createTenantKeys } from '../../../secrets/tenant-keys.js';
import { testKeyProvider } from '../../../secrets/testing.js';
import { deriveGuestKeys } from '../../../substrates/guest-keys.js';
import { type Handle, PlatformFault } from '../../../substrates/substrate.js';
import { createPlaces, type Places } from '../../../substrates/testing/places.js';
import { testRoom } from '../../room/testing.js';
import { RunLost } from '../../runs/lease.js';
import { inputsOf, readRun } from '../../runs/runs.js';
import { insertRun } from '../../runs/testing-runs.js';
import type { StepContext } from '../step.js';
import { register } from './register.js';

const tenant = 'local/default';
const log = pino({ level: 'silent' });

let catalog: TestCatalog;
let folder: string;
let places: Places;
beforeAll(async () => {
  catalog = await testCatalog();
  await catalog.set('recipe', 'r', 'name: r\nbase_image_gce_ref: murmur-gce-base\nprovisioning_script: a\nprovisioning_timeout: 1m\n');
  folder = await mkdtemp(join(tmpdir(), 'murmur-register-'));
  places = createPlaces(join(folder, 'places'));
});
afterAll(async () => {
  await catalog.close();
  await rm(folder, { recursive: true, force: true });
});

/** A run that has come as far as to its image, and how the step is called for it. */
async function captured(lease: { epoch?: number } = {}, meanwhile?: (name: string) => Promise<unknown>) {
  const { database } = catalog.database;
  const runId = await insertRun(database, tenant, { phase: 'capturing', inputs: JSON.stringify({ architecture: 'AMD64' }) });
  const run = await readRun(database, runId);
  await meanwhile?.(run.image_name);
  const placement = create(PlacementSchema, { target: { case: 'aws', value: { region: 'here-1' } } });
  const site = places.siteOf(placement, tenant);
  const root = join(folder, runId);
  await mkdir(root);
  await writeFile(join(root, 'made'), runId);
  const reference: Handle = { id: await places.addImage(site, root) };
  const tenantKey = await createTenantKeys(database, testKeyProvider).of(tenant);
  const context: StepContext = {
    run,
    inputs: inputsOf(run),
    site,
    attempt: 1,
    watchedMs: 0,
    lease: { runId, executor: 'e', epoch: lease.epoch ?? 0 },
    owner: { installation: 'register', tenant, runId },
    database,
    substrate: places,
    room: testRoom(),
    tenantKey,
    keys: deriveGuestKeys(Buffer.alloc(64)),
    secret: () => Promise.reject(new Error('it needs none')),
    signal: new AbortController().signal,
    log,
    note: () => undefined,
  };
  const source = { aws: { amiIds: { 'here-1': 'ami-0123456789abcdef0' } } };
  return { run, site, reference, registering: register.run({ artifact: { source, reference } }, context) };
}

const images = () => catalog.names('image');

test('the image is in the catalog with where it comes from, and the run has ended', async () => {
  const { registering, run } = await captured();
  await registering;
  expect((await catalog.get('image', run.image_name)).spec.value).toMatchObject({
    source: { case: 'aws', value: { provenance: { recipeRef: 'r', imageHash: run.image_hash } } },
  });
  expect(await readRun(catalog.database.database, run.id)).toMatchObject({ phase: 'completed', error: null });
});

test('whoever has lost the run writes nothing', async () => {
  const before = await images();
  const { registering, run } = await captured({ epoch: 7 });
  await expect(registering).rejects.toBeInstanceOf(RunLost);
  expect(await images()).toEqual(before);
  expect((await readRun(catalog.database.database, run.id)).ended_at).toBeNull();
});

test('a name that was taken meanwhile is left to who took it, and the run goes on to fail', async () => {
  const taken = async (name: string) => catalog.set('image', name, `name: ${name}\narchitecture: AMD64\ndocker: {image_ref: debian}\n`);
  const { registering, run } = await captured({}, taken);
  await expect(registering).rejects.toMatchObject({ message: `image "${run.image_name}" already exists and was not baked` });
  expect((await readRun(catalog.database.database, run.id)).ended_at).toBeNull();
  expect((await catalog.get('image', run.image_name)).spec.value).toMatchObject({ source: { case: 'docker' } });
});

test('a substrate that does not hear of it changes nothing: the reaper will tell it', async () => {
  places.faults.set('keepImage', [() => Promise.reject(new PlatformFault('away'))]);
  const { registering, run } = await captured();
  await registering;
  expect((await readRun(catalog.database.database, run.id)).phase).toBe('completed');
});
