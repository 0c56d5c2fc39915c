import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import type { Emulator } from './emulator.js';
import { defaultSettings } from './settings.js';
import { type EmulatedPlace, emulatedPlace, type Substrate, type Token } from './testing-substrate.js';

const { signal } = new AbortController();
type Machine = Awaited<ReturnType<Substrate['launch']>>;
let place: EmulatedPlace;
let emulator: Emulator;
let substrate: Substrate;
/** One machine for all: once it is stopped, any number of images can be made of it. */
let machine: Machine;
let last = 0;

beforeAll(async () => {
  place = await emulatedPlace();
  ({ emulator } = place);
  substrate = await place.open();
}, 180_000);
afterAll(() => place[Symbol.asyncDispose]());
beforeEach(() => {
  emulator.faults.replace([]);
  Object.assign(emulator.settings, defaultSettings());
});

const keys = () => place.spec().keys;
const told: string[] = [];
const artifact = () => {
  const token = `run-${++last}-capture` as Token;
  const tell = (line: string) => Promise.resolve(void told.push(line));
  return { name: `image-${token}`, token, owner: place.spec().owner, tell };
};
const capture = (spec = artifact(), by = substrate, until = signal) => by.capture(machine, keys(), spec, until);
const made = (name: string) => emulator.seen.filter(({ action, outcome }) => action === name && (outcome === 'ok' || outcome === 'lost'));
const ourImages = () => [...place.world().images.values()].filter(({ tags }) => tags.has('murmur'));
const ourSnapshots = () => [...place.world().snapshots.values()].filter(({ tags }) => tags.has('murmur'));
const discard = async ({ reference }: Awaited<ReturnType<typeof capture>>) => {
  await substrate.discardImage(place.siteOf(), reference, signal);
  expect([ourImages(), ourSnapshots()]).toEqual([[], []]);
};

test('case 6: a machine that cannot be seen at first is waited for, and no other is launched', { timeout: 180_000 }, async () => {
  const token = 'run-0-launch' as Token;
  machine = await substrate.launch(place.spec(), token, signal);
  emulator.faults.replace([
    { call: 'DescribeInstances', effect: 'empty', times: 5 },
    { call: 'DescribeInstances', effect: 'fail', times: 5, code: 'InvalidInstanceID.NotFound', status: 400 },
  ]);
  await substrate.waitReady(machine, keys(), signal);
  expect(await substrate.launch(place.spec(), token, signal)).toEqual(machine);
  expect(made('RunInstances')).toHaveLength(1);
});

test('cases 1 and 13: an image whose answer is lost is adopted, and throttling is waited out', { timeout: 180_000 }, async () => {
  emulator.faults.replace([
    { call: 'CreateImage', effect: 'lose', times: 1 },
    { call: 'DescribeImages', effect: 'fail', times: 10, code: 'RequestLimitExceeded', status: 503 },
    { call: 'StopInstances', effect: 'fail', times: 5, code: 'RequestLimitExceeded', status: 503 },
  ]);
  emulator.settings.lateMs = 700;
  const image = await capture();
  expect(ourImages()).toHaveLength(1);
  await discard(image);
});

test('case 8: an image that takes longer than the server lives is completed by the next one', { timeout: 180_000 }, async () => {
  emulator.settings.imagePendingMs = 3000;
  const spec = artifact();
  const before = made('CreateImage').length;
  const killed = new AbortController();
  const first = capture(spec, substrate, killed.signal);
  await expect.poll(() => made('CreateImage').length, { timeout: 60_000 }).toBe(before + 1);
  killed.abort(new Error('the server was killed'));
  await expect(first).rejects.toBeInstanceOf(Error);
  const next = await place.open();
  const image = await capture(spec, next);
  expect(await capture(spec, next)).toEqual(image);
  expect(made('CreateImage').length).toBe(before + 1);
  await discard(image);
});

test(
  'case 10: an image that fails is made again of the same stopped machine, and the log has the reason',
  { timeout: 180_000 },
  async () => {
    emulator.settings.failImages = 1;
    const stops = made('StopInstances').length;
    told.splice(0);
    const image = await capture();
    expect(told.join('\n')).toMatch(/failed \(.*Snapshot creation failed/);
    expect(made('StopInstances').length).toBe(stops);
    // What the failed one left goes when the catalog has the other.
    await substrate.keepImage(place.siteOf(), image.reference, signal);
    expect(ourSnapshots()).toHaveLength(1);
    await discard(image);
  },
);

test('case 14: a bake that outlives many sessions goes on with new ones', { timeout: 180_000 }, async () => {
  Object.assign(emulator.settings, { sessionSeconds: 1, imagePendingMs: 4000 });
  const assumed = made('AssumeRole').length;
  substrate = await place.open();
  const image = await capture();
  expect(made('AssumeRole').length).toBeGreaterThan(assumed + 3);
  await discard(image);
});

test('case 15: a snapshot in use is deleted later, and one whose image went before is owned', { timeout: 180_000 }, async () => {
  const first = await capture();
  emulator.faults.replace([{ call: 'DeleteSnapshot', effect: 'fail', times: 3, code: 'InvalidSnapshot.InUse', status: 400 }]);
  await discard(first);
  const spec = artifact();
  const second = await capture(spec);
  await substrate.keepImage(place.siteOf(), second.reference, signal);
  // Killed between the two.
  for (const { id } of ourImages()) place.world().images.delete(id);
  const { things } = await substrate.listOwned(place.siteOf(), 'emulated', signal);
  expect(things.map(({ token, type }) => [type, token])).toContainEqual(['snapshot', spec.token]);
  await substrate.destroy(place.siteOf(), spec.token, signal);
  expect(ourSnapshots()).toEqual([]);
});

test('a name that a dead attempt of the run has is freed, and that of somebody else is final', { timeout: 180_000 }, async () => {
  const [dead, alive] = [artifact(), artifact()];
  await capture(dead);
  const image = await capture({ ...alive, name: dead.name });
  expect(ourImages().map(({ tags }) => tags.get('murmur-token'))).toEqual([alive.token]);
  const stranger = { ...artifact(), name: dead.name, owner: { ...alive.owner, runId: 'other' } };
  await expect(capture(stranger)).rejects.toThrow(`AMI name "${dead.name}" is already taken by ami-`);
  await discard(image);
});

test('case 23: a machine that the platform stopped is lost, not captured', { timeout: 180_000 }, async () => {
  for (const instance of place.world().instances.values()) instance.reason = { code: 'Server.ScheduledStop', message: 'retired' };
  await expect(capture()).rejects.toMatchObject({ kind: 'lost', message: expect.stringContaining('retired') });
  await substrate.destroy(place.siteOf(), machine.token, signal);
  expect(await substrate.listOwned(place.siteOf(), 'emulated', signal)).toEqual({ things: [] });
});
