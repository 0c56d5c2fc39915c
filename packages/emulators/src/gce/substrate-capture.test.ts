import { readFile } from 'node:fs/promises';

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

type Machine = Awaited<ReturnType<Substrate['launch']>>;
const settings = () => place.emulator.settings;
const world = () => place.emulator.world;
const nextToken = (what: string) => `run-${++last}-${what}` as Token;
const launch = (changes: Partial<Spec> = {}) => substrate.launch(place.spec(changes), nextToken('launch'), signal);
const destroy = ({ token }: { readonly token: Token }) => substrate.destroy(place.siteOf(), token, signal);
const named = (token: Token, name = `image-${token}`) => ({ name, token, owner: place.spec().owner });
const capture = (machine: Machine, token: Token, on = substrate, until = signal, name?: string) =>
  on.capture(machine, place.spec().keys, named(token, name), until);
const made = () => [...world().images.values()].filter(({ labels }) => labels['murmur'] === 'true');
const calls = (action: string) => place.emulator.seen.filter((call) => call.action === action).length;
const things = async () => (await substrate.listOwned(place.siteOf(), place.installation, signal)).things.map(({ type }) => type);
const discard = async (machine: Machine, token: Token) => {
  const { reference } = await capture(machine, token);
  await destroy(machine);
  await substrate.discardImage(place.siteOf(), reference, signal);
  expect(place.left()).toEqual([]);
};

test.each(['lose', 'twice', 'fail'] as const)('a capture whose calls meet "%s" makes one image and stops once (1, 2)', async (effect) => {
  const machine = await launch();
  place.emulator.faults.replace(
    ['images.insert', 'instances.setLabels', 'instances.stop', 'globalOperations.wait'].map((call) => ({ call, effect, times: 2 })),
  );
  const token = nextToken('capture');
  const artifact = await capture(machine, token);
  expect(artifact.source).toMatchObject({ case: 'gce', value: { selfLink: `projects/emulated-project/global/images/image-${token}` } });
  expect(made()).toHaveLength(1);
  expect(await things()).toEqual(['machine', 'image']);
  await discard(machine, token);
});

test('an image takes as long as it takes, across a failed one and a killed server, and no second machine is made (8, 9, 10)', async () => {
  const machine = await launch();
  const before = calls('instances.insert');
  Object.assign(settings(), { failImages: 1, imagePendingMs: 45 * 60_000 });
  const token = nextToken('capture');
  const killed = new AbortController();
  const told: string[] = [];
  const first = capture(machine, token, place.open(), killed.signal).catch((error: unknown) => error);
  await expect.poll(() => made().map(({ status }) => status), { timeout: 60_000 }).toEqual(['PENDING']);
  killed.abort(new Error('the server was killed'));
  expect(await first).toBeInstanceOf(Error);
  // The disk cannot go while an image is made of it (20).
  await expect(destroy(machine)).rejects.toMatchObject({ kind: 'not-yet' });

  const tell = (line: string) => Promise.resolve(void told.push(line));
  const again = place.open().capture(machine, place.spec().keys, { ...named(token), tell }, signal);
  let artifact: unknown;
  void again.then((whole) => (artifact = whole));
  // Each jump ends the pending time of an image, and every access token.
  await expect.poll(() => (place.emulator.clock.advance(46 * 60_000), artifact), { timeout: 60_000, interval: 1000 }).toBeDefined();
  expect(told.join('\n')).toContain('the same machine gets another one');
  expect([made().map(({ status }) => status), calls('instances.insert')]).toEqual([['READY'], before]);
  await discard(machine, token);
});

test('three failed images of one machine are a fault that a fresh one may not meet, and none of them stays', async () => {
  const machine = await launch();
  settings().failImages = 9;
  await expect(capture(machine, nextToken('capture'))).rejects.toMatchObject({ kind: 'image-failed', isFinal: false });
  expect(made()).toEqual([]);
  await destroy(machine);
  expect(place.left()).toEqual([]);
});

test("a finished image is found again after its machine is gone, is kept, and is not taken for another one's under its name", async () => {
  const machine = await launch();
  const token = nextToken('capture');
  const artifact = await capture(machine, token);
  await destroy(machine);
  expect(await capture(machine, token)).toEqual(artifact);
  const exists = () => substrate.imageExists(place.siteOf(), artifact.reference, 'quick', signal);
  place.emulator.faults.replace([{ call: 'images.setLabels', effect: 'fail', times: 1, code: 'conditionNotMet', status: 412 }]);
  await substrate.keepImage(place.siteOf(), artifact.reference, signal);
  expect([await things(), await exists(), made()[0]?.labels['murmur-kept']]).toEqual([[], true, 'true']);
  // What the catalog names is not removed with what its machine left.
  await substrate.destroy(place.siteOf(), token, signal);
  expect(await exists()).toBe(true);

  const [image] = made();
  const key = `emulated-project/${image?.name}`;
  if (image !== undefined) world().images.set(key, { ...image, id: '1' });
  expect(await exists()).toBe(false);
  await substrate.discardImage(place.siteOf(), artifact.reference, signal);
  expect(made()).toHaveLength(1);
  world().images.delete(key);
});

test("a dead attempt's image goes from under the name, and one that is kept or somebody else's stays and is said so", async () => {
  const [dead, machine] = [await launch(), await launch()];
  const name = 'murmur-provision-0123456789abcdef';
  await capture(dead, nextToken('capture'), substrate, signal, name);
  await destroy(dead);
  const token = nextToken('capture');
  const artifact = await capture(machine, token, substrate, signal, name);
  expect(made().map(({ labels }) => labels['murmur-token'])).toEqual([token]);
  await substrate.keepImage(place.siteOf(), artifact.reference, signal);
  const other = await launch();
  await expect(capture(other, nextToken('capture'), substrate, signal, name)).rejects.toThrow(`image name "${name}" is already taken`);
  for (const one of [machine, other]) await destroy(one);
  await substrate.discardImage(place.siteOf(), artifact.reference, signal);
  expect(place.left()).toEqual([]);
});

test('a machine that somebody else stopped is not captured (23)', async () => {
  const machine = await launch();
  const instance = world().instances.get(`us-central1-a/${machine.token}`);
  if (instance !== undefined) await place.emulator.machines.stop(instance);
  await expect(capture(machine, nextToken('capture'))).rejects.toThrow('Google or somebody else stopped it');
  expect(made()).toEqual([]);
  await destroy(machine);
});

test('the role of the guide allows what was called above and here, and no more', async () => {
  const machine = await launch({ site: place.siteOf({ assignPublicIp: true, serviceAccount: 'guest@x.iam.gserviceaccount.com' }) });
  // As every machine is asked for its host key, here one that has none to tell.
  const look = new AbortController();
  const looking = substrate.channel(machine, place.spec().keys, look.signal).catch((error: unknown) => error);
  await expect.poll(() => calls('instances.getGuestAttributes'), { timeout: 60_000 }).toBeGreaterThan(0);
  look.abort();
  await looking;
  const instance = world().instances.get(`us-central1-a/${machine.token}`);
  Object.assign(instance ?? {}, { autoDelete: false });
  const token = nextToken('capture');
  const { reference } = await capture(machine, token);
  await substrate.keepImage(place.siteOf(), reference, signal);
  await things();
  await destroy(machine);
  await substrate.discardImage(place.siteOf(), reference, signal);
  const family = create(ImageSchema, {
    name: 'f',
    source: { case: 'gce', value: { selfLink: 'projects/debian-cloud/global/images/family/debian-12' } },
  });
  const rights = { mayUse: () => Promise.resolve(true), secret: () => Promise.resolve('') };
  await substrate.resolveBase(place.siteOf(), family, rights, signal);
  const role = await readFile(new URL('../../../../deploy/gcp/role.yaml', import.meta.url), 'utf8');
  const allowed = [...role.matchAll(/^ {2}- (\S+)$/gm)].map(([, one = '']) => one);
  // A binding on the machine's own service account gives this one.
  const asked = [...place.emulator.permissions].filter((one) => one !== 'iam.serviceAccounts.actAs');
  expect(new Set(allowed)).toEqual(new Set(asked));
});
