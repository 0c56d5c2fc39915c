import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import type { Emulator } from './emulator.js';
import { defaultSettings } from './settings.js';
import { type EmulatedPlace, emulatedPlace, type Spec, type Substrate, type Token } from './testing-substrate.js';

const { signal } = new AbortController();
let place: EmulatedPlace;
let emulator: Emulator;
let substrate: Substrate;
let last = 0;

beforeAll(async () => {
  place = await emulatedPlace();
  ({ emulator } = place);
});
afterAll(() => place[Symbol.asyncDispose]());
beforeEach(async () => {
  emulator.faults.replace([]);
  // No machine gets as far as to boot.
  Object.assign(emulator.settings, defaultSettings(), { instancePendingMs: 600_000 });
  const { external_ids, role_arn } = emulator.description;
  emulator.accounts.roles.set(role_arn, { arn: role_arn, externalIds: external_ids });
  substrate = await place.open();
});

const nextToken = () => `run-${++last}-launch` as Token;
const launch = (token: Token, changes: Partial<Spec> = {}) => substrate.launch(place.spec(changes), token, signal);
const destroy = (token: Token) => substrate.destroy(place.siteOf(), token, signal);
const owned = async () => (await substrate.listOwned(place.siteOf(), 'emulated', signal)).things.map(({ token }) => token);
const zones = () =>
  [...(emulator.worlds.get(emulator.description.region)?.instances.values() ?? [])]
    .filter(({ state }) => state === 'pending')
    .map(({ subnet }) => subnet.zone);
const calls = (action: string) => emulator.seen.filter((call) => call.action === action).length;

test.each(['lose', 'drop', 'twice', 'fail'] as const)('case 3: a launch whose call meets "%s" leaves one machine', async (effect) => {
  emulator.faults.replace([{ call: 'RunInstances', effect, times: 2, code: 'RequestLimitExceeded', status: 503 }]);
  const token = nextToken();
  await launch(token);
  expect(await owned()).toEqual([token]);
  expect(zones()).toHaveLength(1);
  await destroy(token);
  expect(await owned()).toEqual([]);
});

test('case 11: a machine that the first zone has no room for starts in the next, and nothing is left in the first', async () => {
  emulator.settings.fullZones = ['us-east-1a'];
  emulator.faults.replace([{ call: 'RunInstances', effect: 'drop', times: 1 }]);
  const token = nextToken();
  await launch(token);
  expect(zones()).toEqual(['us-east-1b']);
  await destroy(token);
});

test('cases 11 and 17: a quota is final and named after one call, and full zones are told from it', async () => {
  emulator.settings.instanceQuota = 0;
  const before = calls('RunInstances');
  await expect(launch(nextToken())).rejects.toMatchObject({
    kind: 'quota',
    isFinal: true,
    message: expect.stringContaining('VcpuLimitExceeded'),
  });
  expect(calls('RunInstances')).toBe(before + 1);
  Object.assign(emulator.settings, { instanceQuota: 32, fullZones: ['us-east-1a', 'us-east-1b', 'us-east-1c'] });
  await expect(launch(nextToken())).rejects.toMatchObject({ kind: 'no-room', isFinal: false });
});

test('an action that the role may not do is final, in the words of AWS', async () => {
  emulator.settings.denied = ['ec2:RunInstances'];
  await expect(launch(nextToken())).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('ec2:RunInstances') });
});

test("another account, another tenant's role and a role open to anybody are refused before anything is made", async () => {
  const before = calls('RunInstances');
  await expect(launch(nextToken(), { site: place.siteOf({ accountId: '210987654321' }) })).rejects.toThrow('is in account 123456789012');
  await expect(launch(nextToken(), { site: place.siteOf({}, 'github_app/other') })).rejects.toMatchObject({ kind: 'refused' });
  const { role_arn } = emulator.description;
  emulator.accounts.roles.set(role_arn, { arn: role_arn, externalIds: undefined });
  // A server that has used the role before asks again in an hour.
  substrate = await place.open();
  await expect(launch(nextToken())).rejects.toThrow('accepts any external id');
  expect(calls('RunInstances')).toBe(before);
});

test('case 14: a session that ends in the middle is renewed, and lists that come in pages are whole', async () => {
  const tokens = [nextToken(), nextToken(), nextToken()];
  for (const token of tokens) await launch(token);
  emulator.settings.pageSize = 1;
  emulator.faults.replace([{ call: 'DescribeInstances', effect: 'fail', times: 3, code: 'RequestExpired', status: 400 }]);
  expect(await owned()).toEqual(tokens);
  for (const token of tokens) await destroy(token);
});

test('case 4: where a zone is full after an answer from it was lost, its machine goes and no token is used for two requests', async () => {
  emulator.faults.replace([
    { call: 'RunInstances', effect: 'lose', times: 1 },
    { call: 'RunInstances', effect: 'fail', times: 1, code: 'InsufficientInstanceCapacity', status: 500 },
  ]);
  const token = nextToken();
  await launch(token);
  await expect.poll(zones, { timeout: 60_000 }).toEqual(['us-east-1b']);
  expect(emulator.seen.map(({ outcome }) => outcome)).not.toContain('IdempotentParameterMismatch');
  // The next attempt does not begin in the zone that has just failed.
  await destroy(token);
  const next = nextToken();
  await launch(next, { attempt: 2 });
  expect(zones()).toEqual(['us-east-1b']);
  await destroy(next);
  expect(await owned()).toEqual([]);
});

test('case 5: the token of a machine that was terminated behind the back is a fault, and a fresh machine may follow', async () => {
  const token = nextToken();
  await launch(token);
  for (const instance of place.world().instances.values()) {
    if (instance.state === 'pending') await emulator.machines.terminate(place.world(), instance, { code: '', message: '' });
  }
  await expect(launch(token)).rejects.toMatchObject({ kind: 'lost', isFinal: false });
});

test('case 7: a machine that is said not to be there is ended all the same', async () => {
  const token = nextToken();
  await launch(token);
  emulator.faults.replace([{ call: 'TerminateInstances', effect: 'fail', times: 2, code: 'InvalidInstanceID.NotFound', status: 400 }]);
  await destroy(token);
  expect(zones()).toEqual([]);
});

test.each([
  ['Client.InternalError', 'refused'],
  ['Server.InsufficientInstanceCapacity', 'no-room'],
  ['Client.VolumeLimitExceeded', 'quota'],
])('case 16: a machine that ends with %s before it runs is a fault of kind %s, which names it', async (reason, kind) => {
  Object.assign(emulator.settings, { instancePendingMs: 0, failLaunches: [reason] });
  const token = nextToken();
  const machine = await launch(token);
  const { keys } = place.spec();
  await expect(substrate.waitReady(machine, keys, signal)).rejects.toMatchObject({ kind, message: expect.stringContaining(reason) });
  await destroy(token);
});

test('a machine and all that is made with it carry our tags from birth, and are as closed and as fast as can be', async () => {
  emulator.settings.rootDevice = '/dev/sda1';
  const token = nextToken();
  const { handle } = await launch(token, { diskType: 'gp3', diskSizeGb: 9 });
  const made = place.world().instances.get((handle as { instanceId: string }).instanceId);
  const card = [...place.world().interfaces.values()].find(({ instanceId }) => instanceId === made?.id);
  for (const thing of [made, made?.volume, card]) {
    const tags = Object.fromEntries(thing?.tags ?? []);
    expect(tags).toMatchObject({ murmur: 'true', 'murmur-installation': 'emulated', 'murmur-run': 'run', 'murmur-token': token });
  }
  expect(made).toMatchObject({ tokensRequired: true, hopLimit: 1, onShutdown: 'terminate', publicAddress: false });
  const disk = { volumeType: 'gp3', sizeGb: 9, encrypted: true, iops: 6000, throughput: 500, deleteOnTermination: true };
  expect(made?.volume).toMatchObject(disk);
  await destroy(token);
});

test('what outlives its machine is owned, listed by itself and removed; a list that is refused is said to lack something', async () => {
  const token = nextToken();
  await launch(token);
  const [instance] = [...place.world().instances.values()].filter(({ state }) => state === 'pending');
  if (instance === undefined) throw new Error('the machine is not there');
  const { networkInterface, volume } = instance;
  const orphans = () => {
    place.world().volumes.set(volume.id, Object.assign(volume, { attachedTo: undefined }));
    place.world().interfaces.set(networkInterface.id, networkInterface);
  };
  await destroy(token);
  orphans();
  const list = async () => substrate.listOwned(place.siteOf(), 'emulated', signal);
  expect((await list()).things.map(({ type }) => type).toSorted()).toEqual(['disk', 'interface']);
  emulator.settings.denied = ['ec2:DescribeVolumes'];
  expect(await list()).toMatchObject({ incomplete: expect.stringContaining('ec2:DescribeVolumes'), things: [{ type: 'interface' }] });
  emulator.settings.denied = [];
  await destroy(token);
  expect(await list()).toEqual({ things: [] });
});

test('sessions are named for their runs, and one is enough for as long as it lasts', async () => {
  const before = emulator.seen.length;
  const token = 'abcdefghij-2-launch' as Token;
  await launch(token);
  await destroy(token);
  const sessions = emulator.seen.slice(before).filter(({ action, outcome }) => action === 'AssumeRole' && outcome === 'ok');
  expect(sessions.map(({ parameters }) => parameters.get('RoleSessionName'))).toEqual(['murmur-abcdefghij']);
});

test("without a role the server's own identity is used only where the operator allows it", async () => {
  const site = place.siteOf({ roleArn: '' });
  await expect(launch(nextToken(), { site })).rejects.toThrow('the placement has no role_arn');
  substrate = await place.open({ operatorCredentials: 'allowed' });
  const token = nextToken();
  await launch(token, { site });
  await destroy(token);
});

async function check(site: Spec['site']) {
  return (await substrate.checkPlacement?.(site, signal)) ?? [];
}

test("with the guide's policy a placement has everything, and looking makes nothing", async () => {
  const before = emulator.seen.length;
  const findings = await check(place.siteOf());
  expect(findings.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  expect(findings.map(({ check: name }) => name)).toEqual(expect.arrayContaining(['role and account', 'subnets', 'security group']));
  expect(findings.find(({ check: name }) => name === 'ec2:RunInstances')).toMatchObject({ outcome: 'ok' });
  const done = emulator.seen.slice(before).filter(({ action, outcome }) => !/^(Describe|Get|Assume)/.test(action) && outcome === 'ok');
  expect(done).toEqual([]);
});

test('an action that is not allowed is named, with whom to allow it to', async () => {
  emulator.settings.denied = ['ec2:CreateImage'];
  const failed = (await check(place.siteOf())).filter(({ outcome }) => outcome === 'failed');
  const { role_arn } = emulator.description;
  expect(failed).toMatchObject([{ check: 'ec2:CreateImage', remedy: expect.stringContaining(`Allow ec2:CreateImage to ${role_arn}`) }]);
});

test.each([
  ['a role that does not let the tenant in', () => place.siteOf({}, 'github_app/other'), 'sts:ExternalId'],
  ['another account than the role leads to', () => place.siteOf({ accountId: '210987654321' }), 'Set account_id and role_arn'],
])('%s is all there is to say, with what to set', async (_what, site, remedy) => {
  const findings = await check(site());
  expect(findings).toHaveLength(1);
  expect(JSON.stringify(findings)).toContain(remedy);
});

test('subnets and groups that are not there fail by their names', async () => {
  const findings = await check(place.siteOf({ subnetIds: ['subnet-00000000'] }));
  expect(findings.filter(({ outcome }) => outcome === 'failed').map(({ check: name }) => name)).toContain('subnets');
});

test('what Debian and Ubuntu publish is found by who they are, and the newest of each release', async () => {
  const { images } = place.world();
  const [base] = [...images.values()].filter(({ id }) => id === emulator.description.image_id);
  if (base === undefined) throw new Error('the base image is not there');
  const publish = (name: string, publishedBy: string, daysAgo: number) => {
    const id = `ami-${name.replaceAll(/\W/g, '')}`;
    images.set(id, { ...base, id, name, publishedBy, bornAt: base.bornAt - daysAgo * 86_400_000, tags: new Map() });
    return id;
  };
  const debian = publish('debian-12-amd64-20260901-2000', '136693071363', 1);
  publish('debian-12-amd64-20260801-1900', '136693071363', 30);
  const ubuntu = publish('ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260901', '099720109477', 1);
  publish('debian-12-amd64-20261001-0001', '666666666666', 0);
  const found = (await substrate.findBases?.(place.siteOf(), signal)) ?? [];
  expect(found.map(({ id, publisher }) => [publisher, id])).toEqual([
    ['Debian', debian],
    ['Ubuntu', ubuntu],
  ]);
  for (const { id, publishedBy } of images.values()) if (publishedBy !== undefined) images.delete(id);
});
