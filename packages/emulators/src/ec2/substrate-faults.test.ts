import { randomBytes } from 'node:crypto';

import { deriveGuestKeys } from '@murmur/server/testing-machines';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import type { Emulator } from './emulator.js';
import { defaultSettings } from './settings.js';
import { type EmulatedPlace, emulatedPlace, type Substrate } from './testing-substrate.js';

const { signal } = new AbortController();
type Spec = Parameters<Substrate['launch']>[0];
type Token = Parameters<Substrate['launch']>[1];
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
  substrate = await place.open();
});

function spec(changes: Partial<Spec> = {}): Spec {
  return {
    owner: { installation: 'faults', tenant: 'local/default', runId: 'run' },
    base: { immutableId: emulator.description.image_id, architecture: 'AMD64' },
    site: place.siteOf(),
    attempt: 1,
    diskType: '',
    vcpus: 1,
    memoryMb: 128,
    machineType: '',
    diskSizeGb: 0,
    keys: deriveGuestKeys(randomBytes(64)),
    lifetimeSeconds: 600,
    ...changes,
  };
}

const nextToken = () => `run-${++last}-launch` as Token;
const launch = (token: Token, changes: Partial<Spec> = {}) => substrate.launch(spec(changes), token, signal);
const destroy = (token: Token) => substrate.destroy(place.siteOf(), token, signal);
const owned = async () => (await substrate.listOwned(place.siteOf(), 'faults', signal)).things.map(({ token }) => token);
const zones = () =>
  [...(emulator.worlds.get(emulator.description.region)?.instances.values() ?? [])]
    .filter(({ state }) => state === 'pending')
    .map(({ subnet }) => subnet.zone);
const calls = (action: string) => emulator.seen.filter((call) => call.action === action).length;

test.each(['lose', 'drop', 'twice', 'fail'] as const)('a launch whose call meets "%s" leaves one machine', async (effect) => {
  emulator.faults.replace([{ call: 'RunInstances', effect, times: 2, code: 'RequestLimitExceeded', status: 503 }]);
  const token = nextToken();
  await launch(token);
  expect(await owned()).toEqual([token]);
  expect(zones()).toHaveLength(1);
  await destroy(token);
  expect(await owned()).toEqual([]);
});

test('a machine that the first zone has no room for starts in the next, and nothing is left in the first', async () => {
  emulator.settings.fullZones = ['us-east-1a'];
  emulator.faults.replace([{ call: 'RunInstances', effect: 'drop', times: 1 }]);
  const token = nextToken();
  await launch(token);
  expect(zones()).toEqual(['us-east-1b']);
  await destroy(token);
});

test('a quota is final and named after one call, and full zones are told from it', async () => {
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
  const guarded = emulator.accounts.roles.get(role_arn);
  emulator.accounts.roles.set(role_arn, { arn: role_arn, externalIds: undefined });
  // A server that has used the role before asks again in an hour.
  substrate = await place.open();
  await expect(launch(nextToken())).rejects.toThrow('accepts any external id');
  if (guarded !== undefined) emulator.accounts.roles.set(role_arn, guarded);
  expect(calls('RunInstances')).toBe(before);
});

test('a session that ends in the middle is renewed, and lists that come in pages are whole', async () => {
  const tokens = [nextToken(), nextToken(), nextToken()];
  for (const token of tokens) await launch(token);
  emulator.settings.pageSize = 1;
  emulator.faults.replace([{ call: 'DescribeInstances', effect: 'fail', times: 1, code: 'RequestExpired', status: 400 }]);
  expect(await owned()).toEqual(tokens);
  for (const token of tokens) await destroy(token);
});
