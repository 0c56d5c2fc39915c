import { create } from '@bufbuild/protobuf';
import { ImageSchema } from '@murmur/api';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { emulatedPlace, type EmulatedPlace, type Spec, type Substrate, type Token } from './testing-substrate.js';

// The numbers are those of docs/development/conformance/gce-reports.md.
const { signal } = new AbortController();
let place: EmulatedPlace;
let substrate: Substrate;
let last = 0;

beforeAll(async () => void (place = await emulatedPlace()));
afterAll(() => place[Symbol.asyncDispose]());
beforeEach(() => {
  place.calm();
  // Nobody enters a machine here.
  settings().withoutMachines = true;
  substrate = place.open();
});

const settings = () => place.emulator.settings;
const world = () => place.emulator.world;
const nextToken = () => `run-${++last}-launch` as Token;
const launch = (token: Token, changes: Partial<Spec> = {}) => substrate.launch(place.spec(changes), token, signal);
const destroy = (token: Token) => substrate.destroy(place.siteOf(), token, signal);
const owned = async () => substrate.listOwned(place.siteOf(), place.installation, signal);
const tokens = async () => (await owned()).things.map(({ token }) => token);
const zones = () => [...world().instances.values()].map(({ zone }) => zone);
const calls = (action: string) => place.emulator.seen.filter((call) => call.action === action).length;
const only = () => {
  const [instance, ...others] = world().instances.values();
  if (instance === undefined || others.length > 0) throw new Error('there is not one instance');
  return instance;
};
const imageless = () => {
  throw new Error('there is no base image');
};
const bodyOf = (action: string) => JSON.parse(place.emulator.seen.findLast((call) => call.action === action)?.body ?? '{}') as object;

test.each(['lose', 'drop', 'twice', 'fail'] as const)('a launch whose call meets "%s" leaves one machine (3)', async (effect) => {
  place.emulator.faults.replace([{ call: 'instances.insert', effect, times: 2 }]);
  const token = nextToken();
  await launch(token);
  expect([await tokens(), zones()]).toEqual([[token], ['us-central1-a']]);
  await destroy(token);
  expect(place.left()).toEqual([]);
});

test.each(['ZONE_RESOURCE_POOL_EXHAUSTED', 'ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS'])(
  'a machine that the first zone has no room for (%s) starts in the next, and nothing is left in the first (4, 12)',
  async (fullCode) => {
    Object.assign(settings(), { fullZones: ['us-central1-a'], fullCode });
    place.emulator.faults.replace([{ call: 'instances.insert', effect: 'lose', times: 1 }]);
    const token = nextToken();
    const machine = await launch(token);
    expect(zones()).toEqual(['us-central1-b']);
    expect(await launch(token)).toEqual(machine);
    await destroy(token);
    expect(place.left()).toEqual([]);
  },
);

test('when every zone is full, all are tried twice and the next attempt goes elsewhere (11)', async () => {
  settings().fullZones = world().zones;
  const before = calls('instances.insert');
  await expect(launch(nextToken())).rejects.toMatchObject({ kind: 'no-room', isFinal: false });
  expect(calls('instances.insert') - before).toBe(6);
  settings().fullZones = [];
  const token = nextToken();
  await launch(token, { attempt: 2 });
  expect(zones()).toEqual(['us-central1-b']);
  await destroy(token);
});

test('a quota is final, named, and met once (17)', async () => {
  settings().cpuQuota = 0;
  const before = calls('instances.insert');
  await expect(launch(nextToken())).rejects.toMatchObject({ kind: 'quota', isFinal: true, message: expect.stringContaining("'CPUS'") });
  expect(calls('instances.insert') - before).toBe(1);
  expect(place.left()).toEqual([]);
});

test('a name that somebody else has is final, and what has it stays (18)', async () => {
  const token = nextToken();
  await launch(token);
  const instance = only();
  instance.labels = { someone: 'else' };
  await expect(launch(token)).rejects.toThrow(`instance name "${token}" is already taken in zone us-central1-a`);
  await destroy(token);
  expect(zones()).toEqual(['us-central1-a']);
  await place.emulator.machines.remove(instance);
});

test('a base image that was replaced under its name is refused before a machine is made, and one replaced meanwhile after it', async () => {
  const [path = '', id = ''] = place.base.immutableId.split('@');
  const before = calls('instances.insert');
  const other = { base: { immutableId: `${path}@${id}1`, architecture: 'AMD64' as const } };
  await expect(launch(nextToken(), other)).rejects.toThrow('was replaced by another one under its name');
  expect(calls('instances.insert')).toBe(before);
  const [base] = world().images.values();
  settings().operationMs = 600_000;
  const running = launch(nextToken()).catch((error: unknown) => error);
  await expect.poll(() => world().disks.size, { timeout: 60_000 }).toBe(1);
  for (const disk of world().disks.values()) Object.assign(disk, { sourceImage: { path, id: `${base?.id}2` } });
  place.emulator.clock.advance(600_000);
  settings().operationMs = 0;
  expect(String(await running)).toContain('was replaced by another one under its name');
  expect(place.left()).toEqual([]);
});

test('a machine asks for what the placement says and no more, and carries its labels and its end from birth', async () => {
  const token = nextToken();
  await launch(token, {
    lifetimeSeconds: 5,
    diskSizeGb: 3,
    machineType: 'n2-standard-2',
    owner: { installation: 'emulated', tenant: 'github_app/acme', runId: 'run' },
  });
  const body = bodyOf('instances.insert');
  const labels = {
    murmur: 'true',
    'murmur-installation': 'emulated',
    'murmur-tenant': 'github_5fapp_2facme',
    'murmur-run': 'run',
    'murmur-token': token,
  };
  expect(body).toMatchObject({
    labels,
    machineType: 'projects/emulated-project/zones/us-central1-a/machineTypes/n2-standard-2',
    disks: [{ autoDelete: true, initializeParams: { diskSizeGb: '3', labels } }],
    networkInterfaces: [{ subnetwork: 'projects/emulated-project/regions/us-central1/subnetworks/default' }],
    scheduling: { maxRunDuration: { seconds: '30' }, instanceTerminationAction: 'DELETE' },
    shieldedInstanceConfig: { enableSecureBoot: true },
  });
  const text = JSON.stringify(body);
  expect(text).toContain('{"key":"enable-oslogin","value":"FALSE"}');
  for (const absent of ['accessConfigs', 'serviceAccounts', 'PRIVATE KEY']) expect(text).not.toContain(absent);
  expect((await owned()).things).toMatchObject([{ type: 'machine', owner: { tenant: 'github_app/acme' } }]);
  // It goes though nobody asks for it (24).
  place.emulator.clock.advance(30_000);
  await expect.poll(() => place.left(), { timeout: 60_000 }).toEqual([]);

  const public_ = nextToken();
  await launch(public_, { site: place.siteOf({ assignPublicIp: true, serviceAccount: 'guest@x.iam.gserviceaccount.com' }) });
  expect(bodyOf('instances.insert')).toMatchObject({
    networkInterfaces: [{ accessConfigs: [{ type: 'ONE_TO_ONE_NAT' }] }],
    serviceAccounts: [{ email: 'guest@x.iam.gserviceaccount.com' }],
  });
  await destroy(public_);
});

test('a list with a zone that cannot be reached says that it is not complete, and one in pages is whole', async () => {
  const own = [nextToken(), nextToken(), nextToken()];
  for (const token of own) await launch(token);
  settings().pageSize = 1;
  expect((await owned()).incomplete).toBeUndefined();
  expect(await tokens()).toEqual(own);
  settings().unreachableZones = ['us-central1-b'];
  expect((await owned()).incomplete).toContain('us-central1-b');
  for (const token of own) await destroy(token);
});

test('a disk that outlives its machine is listed, and goes with its token (19)', async () => {
  const token = nextToken();
  await launch(token);
  const instance = only();
  Object.assign(instance, { autoDelete: false });
  await place.emulator.machines.remove(instance);
  expect((await owned()).things).toMatchObject([{ type: 'disk', token }]);
  await destroy(token);
  expect(place.left()).toEqual([]);
});

test('an image that is not there, not ready, or to be used no more is refused as a base (25)', async () => {
  const resolve = (selfLink: string) =>
    substrate.resolveBase(
      place.siteOf(),
      create(ImageSchema, { name: 'base', source: { case: 'gce', value: { selfLink } } }),
      { mayUse: () => Promise.resolve(true), secret: () => Promise.resolve('') },
      signal,
    );
  const [base = imageless()] = world().images.values();
  const link = 'projects/debian-cloud/global/images/debian-12-emulated';
  expect(await resolve('projects/debian-cloud/global/images/family/debian-12')).toMatchObject({ immutableId: `${link}@${base.id}` });
  await expect(resolve('projects/debian-cloud/global/images/nothing')).rejects.toThrow('is not there');
  base.status = 'PENDING';
  await expect(resolve(link)).rejects.toThrow('is PENDING');
  base.status = 'READY';
  base.deprecated = 'OBSOLETE';
  await expect(resolve(link)).rejects.toThrow('is OBSOLETE');
  base.deprecated = undefined;
});

test("another tenant's subject, a missing permission and a placement without a provider are refused before anything is made", async () => {
  const before = calls('instances.insert');
  const stranger = place.siteOf({}, 'github_app/other');
  await expect(launch(nextToken(), { site: stranger })).rejects.toMatchObject({ kind: 'refused', isFinal: true });
  const bare = place.siteOf({ wifProviderResourceName: '', wifServiceAccount: '' });
  await expect(launch(nextToken(), { site: bare })).rejects.toThrow('the placement has no wif_provider_resource_name');
  settings().denied = ['compute.instances.get'];
  await expect(launch(nextToken())).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('compute.instances.get') });
  expect(calls('instances.insert')).toBe(before);
});

test('a token that ends in the middle is renewed (14)', async () => {
  settings().tokenSeconds = 900;
  const token = nextToken();
  await launch(token);
  for (let renewal = 0; renewal < 5; renewal++) {
    place.emulator.clock.advance(901_000);
    expect((await owned()).incomplete).toBeUndefined();
  }
  place.emulator.faults.replace([{ call: 'disks.aggregatedList', effect: 'fail', times: 1, code: 'authError', status: 401 }]);
  expect((await owned()).incomplete).toBeUndefined();
  await destroy(token);
});

test('a placement is checked without making anything: who the server is, the subnet, and each permission', async () => {
  const check = async (site = place.siteOf()) => {
    const findings = (await substrate.checkPlacement?.(site, signal)) ?? [];
    return findings.filter(({ outcome }) => outcome === 'failed').map((finding) => finding.check);
  };
  expect(await check()).toEqual([]);
  settings().denied = ['compute.images.create', 'compute.subnetworks.use', 'compute.instances.stop'];
  // A machine is made in a subnet: who may not use it may not make one.
  expect(await check()).toEqual(['subnet', 'compute.instances.create', 'compute.images.create', 'compute.instances.stop']);
  place.calm();
  expect(await check(place.siteOf({ zones: ['us-west1-a'] }))).toEqual(['identity and project']);
  expect(await check(place.siteOf({ subnet: 'nowhere' }))).toEqual(['subnet']);
  expect(await check(place.siteOf({}, 'github_app/other'))).toEqual(['identity and project']);
  expect(place.left()).toEqual([]);
});
