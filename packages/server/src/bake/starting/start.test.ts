import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import {
  Architecture,
  ImageSchema,
  type StartBakeRequest,
  StartBakeRequestSchema,
  StartBakeResponse_Outcome as Outcome,
} from '@murmur/api';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { writeBuiltins, writePlatformImage } from '../../catalog/builtins.js';
import { everything } from '../../catalog/context.js';
import { removeResource } from '../../catalog/verbs/remove.js';
import { setResource } from '../../catalog/verbs/set.js';
import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { openKeyFile } from '../../secrets/key-provider.js';
import { createTenantKeys } from '../../secrets/tenant-keys.js';
import { createQemuSubstrate } from '../../substrates/qemu/index.js';
import { checkImage } from '../../substrates/registry.js';
import { buildTinyBase } from '../../substrates/qemu/tiny.js';
import { openVariables } from './script-variables.js';
import { testRoom } from '../room/testing.js';
import { goesAway } from '../testing.js';
import { startBake as startBakeUntil, type StartParts } from './start.js';
import { testContext } from '../../catalog/testing.js';

const { signal } = new AbortController();
const startBake = (using: StartParts, by: typeof caller, asked: StartBakeRequest) => startBakeUntil(using, by, asked, signal);

const caller = { tenant: 'local/default', subject: 'tester', permits: everything };
const appCaller = { tenant: 'github_app/acme', subject: 'tester', permits: everything };
const script = '#!/bin/sh\ntrue\n';

let db: TestDatabase;
let dataDir: string;
let parts: StartParts;
let began: string[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'murmur-start-'));
  db = await testDatabase();
  await db.database
    .insertInto('tenants')
    .values([{ id: caller.tenant }, { id: 'local/other' }, { id: appCaller.tenant }])
    .execute();
  await writeBuiltins(db.database, {
    localSubstrates: ['QEMU'],
    localArchitecture: 'AMD64',
    awsBaseAmis: { 'us-east-1': 'ami-0abc123def456789a' },
  });
  const substrate = await createQemuSubstrate({ dataDir, runtimeDir: dataDir, installation: 'start', log: pino({ level: 'silent' }) });
  const diskDigest = await buildTinyBase({ dataDir, runtimeDir: dataDir });
  await writePlatformImage(
    db.database,
    create(ImageSchema, { name: 'murmur-qemu-base', architecture: Architecture.AMD64, source: { case: 'qemu', value: { diskDigest } } }),
  );
  parts = {
    database: db.database,
    tenantKeys: createTenantKeys(db.database, await openKeyFile(join(dataDir, 'master.key'))),
    substrates: new Map([['QEMU', substrate]]),
    checkImage,
    room: testRoom(),
    log: pino({ level: 'silent' }),
    hostId: 'here',
    begin: async (runId) => void began.push(runId),
  };
  await set('recipe', { name: 'r', base_image_qemu_ref: 'murmur-qemu-base', base_image_aws_ref: 'murmur-aws-base' });
  await set('recipe', { name: 'secretive', base_image_qemu_ref: 'murmur-qemu-base', secret_allowlist: ['A_TOKEN', 'B_TOKEN'] });
  for (const [name, machine_type_ref] of Object.entries({ amd: 'm7i-large', arm: 'm7g-large' })) {
    const environment = { name, substrate: 'SUBSTRATE_AWS', machine_type_ref, disk_type_ref: 'gp3' };
    for (const by of [caller, appCaller]) await set('environment', environment, by);
  }
  for (const region of ['us-east-1', 'us-west-2']) {
    const aws = {
      account_id: '123456789012',
      region,
      vpc_id: 'vpc-0abc123def456789a',
      subnet_ids: ['subnet-0abc123def456789a'],
      security_group_id: 'sg-0abc123def456789a',
      role_arn: 'arn:aws:iam::123456789012:role/murmur',
    };
    for (const by of [caller, appCaller]) await set('placement', { name: region, substrate: 'SUBSTRATE_AWS', aws }, by);
  }
});
afterAll(async () => {
  await db.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function set(kind: string, document: Record<string, unknown> & { name: string }, by = caller): Promise<void> {
  const whole = kind === 'recipe' ? { provisioning_script: script, provisioning_timeout: '1m', ...document } : document;
  const context = { ...testContext(db.database, by), tenantKeys: parts.tenantKeys };
  await setResource(context, { kind, name: document.name, document: JSON.stringify(whole), fields: [] });
}

function request(changes: Partial<Omit<StartBakeRequest, '$typeName'>> = {}): StartBakeRequest {
  return create(StartBakeRequestSchema, { recipe: 'r', environment: 'murmur-qemu-small', placement: 'murmur-qemu-local', ...changes });
}

const aws = { environment: 'amd', placement: 'us-east-1' };

test('a machine that never finds room on this host, or a disk larger than any there, is refused before anything is made', async () => {
  const small = { ...parts, room: testRoom({ machines: { memoryMb: 2048, vcpus: 4 }, diskSizeGb: 20 }) };
  await expect(startBake(small, caller, request({ environment: 'murmur-qemu-medium' }))).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message:
      'machine type "murmur-qemu-medium" never finds room on this host: it takes 4 GiB of memory, and all machines together may take 2 GiB',
  });
  await set('environment', { name: 'wide', substrate: 'SUBSTRATE_QEMU', machine_type_ref: 'murmur-qemu-small', disk_size_gb: 21 });
  await expect(startBake(small, caller, request({ environment: 'wide' }))).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: 'environment "wide" asks for a disk of 21 GB, and the largest on this host is 20 GB',
  });
});

test('a plan says what would become of a bake, by the name it gets then, and starts nothing', async () => {
  await set('recipe', { name: 'planned', base_image_qemu_ref: 'murmur-qemu-base' });
  const wanted = { recipe: 'planned' };
  const own: string[] = [];
  const using = { ...parts, begin: async (runId: string) => void own.push(runId) };
  const plan = await startBake(using, caller, request({ ...wanted, planOnly: true }));
  expect(plan).toMatchObject({ outcome: Outcome.WOULD_START, runId: '', imageHash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(own).toEqual([]);
  const started = await startBake(using, caller, request(wanted));
  const { artifactName, imageHash, imageName } = plan;
  expect(started).toMatchObject({ outcome: Outcome.STARTED, artifactName, imageHash, imageName });
  expect(await startBake(using, caller, request({ ...wanted, planOnly: true }))).toMatchObject({
    outcome: Outcome.IN_PROGRESS,
    runId: started.runId,
  });
});

test('a disk smaller than that of its base image is refused before anything is made', async () => {
  const diskDigest = await buildTinyBase({ dataDir, runtimeDir: dataDir, diskGb: 3 });
  const source = { case: 'qemu', value: { diskDigest } } as const;
  await writePlatformImage(db.database, create(ImageSchema, { name: 'murmur-roomy', architecture: Architecture.AMD64, source }));
  await set('recipe', { name: 'roomy', base_image_qemu_ref: 'murmur-roomy' });
  await set('environment', { name: 'e2', substrate: 'SUBSTRATE_QEMU', machine_type_ref: 'murmur-qemu-small', disk_size_gb: 2 });
  const runs = () => db.database.selectFrom('runs').select('id').execute();
  const before = await runs();
  await expect(startBake(parts, caller, request({ recipe: 'roomy', environment: 'e2' }))).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: 'environment "e2" has disk_size_gb 2 but base image "murmur-roomy" needs 3',
  });
  expect(await runs()).toEqual(before);
});

test('a tenant has no more bakes than it may, also when all are asked for at once', async () => {
  const crowded = { ...parts, begin: () => Promise.resolve(), room: testRoom({ perTenant: { bakes: 2, machines: undefined } }) };
  await db.database.insertInto('tenants').values({ id: 'local/crowd' }).execute();
  const crowd = { ...caller, tenant: 'local/crowd' };
  const names = ['c1', 'c2', 'c3', 'c4', 'c5'];
  for (const name of names) await set('recipe', { name, base_image_qemu_ref: 'murmur-qemu-base' }, crowd);
  const asked = await Promise.allSettled(names.map((recipe) => startBake(crowded, crowd, request({ recipe }))));
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  const refusals = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  expect(refusals).toHaveLength(3);
  for (const refusal of refusals) {
    expect(refusal).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      message: 'tenant "local/crowd" has 2 bakes that are queued or run, the most there may be',
    });
  }
});

test.each<[string, Partial<StartBakeRequest>, string, string]>([
  ['an unknown recipe', { recipe: 'x' }, 'NOT_FOUND', 'recipe "x" not found'],
  ['an unknown environment', { environment: 'x' }, 'NOT_FOUND', 'environment "x" not found'],
  ['an unknown placement', { placement: 'x' }, 'NOT_FOUND', 'placement "x" not found'],
  [
    'both kinds of credentials',
    { serviceProfile: 'ci-bot', variables: { A: 'x' } },
    'INVALID_ARGUMENT',
    '--service-profile and -e are mutually exclusive',
  ],
  ['a service profile', { serviceProfile: 'ci-bot' }, 'INVALID_ARGUMENT', '--service-profile is only available for GitHub App tenants'],
  [
    'two substrates',
    { environment: 'amd' },
    'INVALID_ARGUMENT',
    'substrate mismatch: environment "amd" is SUBSTRATE_AWS but placement "murmur-qemu-local" is SUBSTRATE_QEMU',
  ],
  ['no base image there', { ...aws, recipe: 'secretive' }, 'INVALID_ARGUMENT', 'recipe "secretive" has no base image for SUBSTRATE_AWS'],
  [
    'another architecture',
    { ...aws, environment: 'arm' },
    'INVALID_ARGUMENT',
    'architecture mismatch: base image "murmur-aws-base" is ARCHITECTURE_AMD64 but machine type "murmur-m7g-large" is ARCHITECTURE_ARM64',
  ],
  [
    'a region without an AMI',
    { ...aws, placement: 'us-west-2' },
    'FAILED_PRECONDITION',
    'base image "murmur-aws-base" has no AMI in region us-west-2',
  ],
  ['a substrate that is not set up', aws, 'FAILED_PRECONDITION', 'substrate SUBSTRATE_AWS is not available on this server'],
  [
    'a missing secret',
    { recipe: 'secretive', variables: { A_TOKEN: 'x' } },
    'FAILED_PRECONDITION',
    'secret_allowlist[1]: secret "B_TOKEN" does not exist',
  ],
  ['a strange time to keep', { keepOnFailure: '1d' }, 'INVALID_ARGUMENT', 'keep_on_failure: invalid duration'],
  ['no time to keep', { keepOnFailure: '-1m' }, 'INVALID_ARGUMENT', 'keep_on_failure: duration must be positive'],
  ['a long time to keep', { keepOnFailure: '25h' }, 'INVALID_ARGUMENT', 'keep_on_failure exceeds 24h maximum'],
])('%s is refused before anything starts', async (_what, changes, code, message) => {
  await expect(startBake(parts, caller, request(changes))).rejects.toMatchObject({ code, message });
  expect(began).toEqual([]);
});

test('a name that does not exist comes with where to look names up', async () => {
  await expect(startBake(parts, caller, request({ placement: 'x' }))).rejects.toMatchObject({
    hint: 'Check the names with `murmur get recipe`, `murmur get environment`, or `murmur get placement`.',
  });
});

test('a name that a hand-written image holds is refused', async () => {
  await set('recipe', { name: 'taken', base_image_qemu_ref: 'murmur-qemu-base' });
  const probe = await startBake(parts, { ...caller }, request({ recipe: 'taken' }));
  await db.database.deleteFrom('runs').where('id', '=', probe.runId).execute();
  await set('image', { name: probe.imageName, architecture: 'ARCHITECTURE_AMD64', qemu: { disk_digest: `sha256:${'0'.repeat(64)}` } });
  await expect(startBake(parts, caller, request({ recipe: 'taken' }))).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: `image "${probe.imageName}" already exists and was not baked`,
  });
});

test('a started bake holds what it uses, and is the only one of its identity', async () => {
  began = [];
  await set('recipe', { name: 'held', base_image_qemu_ref: 'murmur-qemu-base' });
  const answers = await Promise.all(Array.from({ length: 50 }, () => startBake(parts, caller, request({ recipe: 'held' }))));
  expect(answers.filter(({ outcome }) => outcome === Outcome.STARTED)).toHaveLength(1);
  expect(answers.filter(({ outcome }) => outcome === Outcome.IN_PROGRESS)).toHaveLength(49);
  expect(new Set(answers.map(({ runId }) => runId))).toEqual(new Set(began));
  expect(answers[0]?.scope).toBe('qemu-local');
  expect(answers[0]?.artifactName).toMatch(/^murmur-provision-[0-9a-f]{16}$/);
  const removal = removeResource(testContext(db.database, caller), { kind: 'recipe', name: 'held' });
  await expect(removal).rejects.toMatchObject({ message: `cannot delete recipe "held": referenced by bake: ${began[0]}` });
});

test('an image on another host answers a bake, until that host has been away for so long that it may be lost', async () => {
  const { database } = db;
  const { hostId } = parts;
  await set('recipe', { name: 'elsewhere', base_image_qemu_ref: 'murmur-qemu-base' });
  const run = await startBake(parts, caller, request({ recipe: 'elsewhere' }));
  await database.updateTable('runs').set({ ended_at: new Date(), phase: 'completed' }).where('id', '=', run.runId).execute();
  await set('image', { name: run.imageName, architecture: 'ARCHITECTURE_AMD64', qemu: { disk_digest: `sha256:${'3'.repeat(64)}` } });
  await database.insertInto('hosts').values({ id: 'other', instance: null, process: null }).execute();
  await database
    .insertInto('artifacts')
    .values({
      tenant: caller.tenant,
      image_name: run.imageName,
      recipe: 'elsewhere',
      image_hash: run.imageHash,
      build_number: 1,
      run_id: run.runId,
      artifact_name: run.artifactName,
      substrate: 'QEMU',
      scope: 'qemu-local',
      reference: JSON.stringify({ host: 'other' }),
      host: 'other',
    })
    .execute();
  const again = () => startBake(parts, caller, request({ recipe: 'elsewhere' }));
  expect(hostId).not.toBe('other');
  await goesAway(database, 'other', 60);
  expect(await again()).toMatchObject({ outcome: Outcome.CACHED, imageName: run.imageName });
  await goesAway(database, 'other', 180);
  expect(await again()).toMatchObject({ outcome: Outcome.STARTED, imageName: `${run.imageName}-2` });
});

test('a bake whose workflow does not start at once is started all the same', async () => {
  await set('recipe', { name: 'stuck', base_image_qemu_ref: 'murmur-qemu-base' });
  const begin = () => Promise.reject(new Error('Connection terminated'));
  const { outcome, runId } = await startBake({ ...parts, begin }, caller, request({ recipe: 'stuck' }));
  expect(outcome).toBe(Outcome.STARTED);
  expect(await startBake(parts, caller, request({ recipe: 'stuck' }))).toMatchObject({ outcome: Outcome.IN_PROGRESS, runId });
});

test('values that are forwarded are in the database only in sealed form', async () => {
  const { runId } = await startBake(parts, caller, request({ variables: { API_URL: 'plainly-visible' } }));
  const run = await db.database.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirstOrThrow();
  expect(JSON.stringify(run)).not.toContain('plainly-visible');
  expect(run.sealed_variables?.includes('plainly-visible')).toBe(false);
});

async function sealedOf(runId: string, { tenant } = caller): Promise<Record<string, string>> {
  const run = await db.database.selectFrom('runs').select('sealed_variables').where('id', '=', runId).executeTakeFirstOrThrow();
  return openVariables(await parts.tenantKeys.of(tenant), runId, run.sealed_variables);
}

test('the catalog’s secrets are sealed with the run, as they were when it started', async () => {
  const name = 'C_TOKEN';
  await set('secret', { name, plaintext_value: 'as it was at first' });
  await set('secret', { name: 'UNLISTED', plaintext_value: 'nobody asked for this' });
  await set('recipe', { name: 'lent', base_image_qemu_ref: 'murmur-qemu-base', secret_allowlist: [name] });
  const { runId } = await startBake(parts, caller, request({ recipe: 'lent' }));
  await set('secret', { name, plaintext_value: 'changed in mid-bake' });
  expect(await sealedOf(runId)).toEqual({ [name]: 'as it was at first' });
  await removeResource(testContext(db.database, caller), { kind: 'secret', name });
  expect(await sealedOf(runId)).toEqual({ [name]: 'as it was at first' });
  expect(JSON.stringify(await db.database.selectFrom('runs').selectAll().execute())).not.toContain('as it was');
});

test('a secret that is gone matters to a new bake, and not to one that runs', async () => {
  const name = 'D_TOKEN';
  await set('secret', { name, plaintext_value: 'x'.repeat(20) });
  await set('recipe', { name: 'losing', base_image_qemu_ref: 'murmur-qemu-base', secret_allowlist: [name] });
  const { runId } = await startBake(parts, caller, request({ recipe: 'losing' }));
  await removeResource(testContext(db.database, caller), { kind: 'secret', name });
  expect(await startBake(parts, caller, request({ recipe: 'losing' }))).toMatchObject({ outcome: Outcome.IN_PROGRESS, runId });
  await db.database.updateTable('runs').set({ ended_at: new Date() }).where('id', '=', runId).execute();
  await expect(startBake(parts, caller, request({ recipe: 'losing' }))).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: `secret_allowlist[0]: secret "${name}" does not exist`,
  });
});

test('a service profile must exist in a GitHub App tenant, whatever the recipe needs', async () => {
  await set('recipe', { name: 'r', base_image_aws_ref: 'murmur-aws-base' }, appCaller);
  const asked = request({ ...aws, serviceProfile: 'ci-bot' });
  await expect(startBake(parts, appCaller, asked)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: 'service-profile "ci-bot" not found',
  });
  await set('service-profile', { name: 'ci-bot' }, appCaller);
  await expect(startBake(parts, appCaller, asked)).rejects.toThrow('substrate SUBSTRATE_AWS is not available on this server');
});

test('with a service profile a bake gets the secrets that it lends, and is refused those that it does not', async () => {
  for (const name of ['LENT', 'KEPT']) await set('secret', { name, plaintext_value: `value of ${name}` }, appCaller);
  await set('service-profile', { name: 'lender', secret_refs: ['LENT'] }, appCaller);
  const base_image_qemu_ref = 'murmur-qemu-base';
  await set('recipe', { name: 'modest', base_image_qemu_ref, secret_allowlist: ['LENT'] }, appCaller);
  await set('recipe', { name: 'greedy', base_image_qemu_ref, secret_allowlist: ['LENT', 'KEPT'] }, appCaller);

  const { runId } = await startBake(parts, appCaller, request({ recipe: 'modest', serviceProfile: 'lender' }));
  expect(await sealedOf(runId, appCaller)).toEqual({ LENT: 'value of LENT' });
  await expect(startBake(parts, appCaller, request({ recipe: 'greedy', serviceProfile: 'lender' }))).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: 'secret_allowlist[1]: secret "KEPT" does not exist',
    hint: `Service profile "lender" does not lend "KEPT": add it to the profile's secret_refs.`,
  });
  const forwarding = request({ recipe: 'modest', serviceProfile: 'lender', variables: { LENT: 'x' } });
  await expect(startBake(parts, appCaller, forwarding)).rejects.toThrow('--service-profile and -e are mutually exclusive');
  const without = await startBake(parts, appCaller, request({ recipe: 'greedy' }));
  expect(await sealedOf(without.runId, appCaller)).toEqual({ LENT: 'value of LENT', KEPT: 'value of KEPT' });
});
