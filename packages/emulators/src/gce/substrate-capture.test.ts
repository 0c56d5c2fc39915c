import { readFile } from 'node:fs/promises';

import { create } from '@bufbuild/protobuf';
import { ImageSchema } from '@murmur/api';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { emulatedPlace, type EmulatedPlace, type Spec, type Substrate, type Token } from './testing-substrate.js';

// The numbers are those of the cases from public reports that docs/development/conformance lists.
const { signal } = new AbortController();
let place: EmulatedPlace;
let substrate: Substrate;
let last = 0;

beforeAll(async () => {
  place = await emulatedPlace();
  substrate = place.open();
});
afterAll(() => place[Symbol.asyncDispose]());
afterEach(() => place.calm());

const nextToken = (what: string) => `run-${++last}-${what}` as Token;
const destroy = (token: Token) => substrate.destroy(place.siteOf(), token, signal);
type Machine = Awaited<ReturnType<Substrate['launch']>>;
type Artifact = Awaited<ReturnType<Substrate['capture']>>;

async function ready(changes: Partial<Spec> = {}): Promise<Machine> {
  const machine = await substrate.launch(place.spec(changes), nextToken('launch'), signal);
  await substrate.waitReady(machine, place.spec().keys, signal);
  return machine;
}
async function run(machine: Machine, command: string): Promise<string> {
  await using channel = await substrate.channel(machine, place.spec().keys, signal);
  return (await channel.run(command)).stdout;
}
const named = (token: Token) => ({ name: `image-${token}`, token, owner: place.spec().owner });
const capture = (on: Substrate, machine: Machine, token: Token, until: AbortSignal) =>
  on.capture(machine, place.spec().keys, named(token), until);
const made = () => [...place.emulator.world.images.values()].filter(({ labels }) => labels['murmur'] === 'true');
const bakedOn = async ({ source }: Artifact) =>
  substrate.resolveBase(
    place.siteOf(),
    create(ImageSchema, { name: 'baked', source }),
    { mayUse: () => Promise.resolve(true), secret: () => Promise.resolve('') },
    signal,
  );

test(
  'an image takes as long as it takes, across lost answers, failed images and killed servers, and is one that boots',
  { timeout: 420_000 },
  async () => {
    // The project switches keys in metadata off, and the machine switches them on (21). Root is not let in at all (22).
    place.emulator.settings.projectMetadata = { 'enable-oslogin': 'TRUE' };
    const machine = await ready();
    expect(await run(machine, 'id -u; echo kept >/marker')).toBe('0\n');

    // Answers are lost (2), the first image fails (10), and the next one is pending for 45 minutes (8, 9).
    Object.assign(place.emulator.settings, { failImages: 1, imagePendingMs: 45 * 60_000 });
    place.emulator.faults.replace([{ call: 'images.insert', effect: 'lose', times: 2 }]);
    const token = nextToken('capture');
    const killed = new AbortController();
    const first = capture(place.open(), machine, token, killed.signal).catch((error: unknown) => error);
    await expect.poll(() => made().map(({ status }) => status), { timeout: 180_000 }).toEqual(['PENDING']);
    killed.abort(new Error('the server was killed'));
    expect(await first).toBeInstanceOf(Error);

    // Another server goes on with it, and the clock forward until it is done.
    const again = capture(place.open(), machine, token, signal);
    let passed: unknown;
    void again.then((artifact) => (passed = artifact));
    await expect.poll(() => (place.emulator.clock.advance(46 * 60_000), passed), { timeout: 240_000, interval: 3000 }).toBeDefined();
    const artifact = await again;
    expect(artifact.source).toMatchObject({ case: 'gce', value: { selfLink: `projects/emulated-project/global/images/image-${token}` } });
    expect(made().map(({ name }) => name)).toEqual([`image-${token}`]);
    expect(place.emulator.seen.filter(({ action }) => action === 'instances.insert')).toHaveLength(1);

    place.calm();
    await destroy(machine.token);
    expect(await capture(substrate, machine, token, signal)).toEqual(artifact);
    await substrate.keepImage(place.siteOf(), artifact.reference, signal);
    expect((await substrate.listOwned(place.siteOf(), place.installation, signal)).things).toEqual([]);

    const second = await ready({ base: await bakedOn(artifact) });
    expect(await run(second, 'cat /marker')).toBe('kept\n');
    // A stop that nobody here asked for is no capture (23).
    const instance = place.emulator.world.instances.get(`us-central1-a/${second.token}`);
    instance?.machine?.kill();
    await instance?.machine?.ended;
    await expect(capture(substrate, second, nextToken('capture'), signal)).rejects.toThrow('Google or somebody else stopped it');
    await destroy(second.token);
    await substrate.discardImage(place.siteOf(), artifact.reference, signal);
    expect(place.left()).toEqual([]);
    const secret = place.spec().keys.clientPrivate.split('\n')[2] ?? '';
    expect(JSON.stringify(place.emulator.seen)).not.toContain(secret);
  },
);

test('the role of the guide allows what is called and no more', async () => {
  // What only some placements ask for.
  const other = place.siteOf({ assignPublicIp: true, serviceAccount: 'guest@x.iam.gserviceaccount.com' });
  const token = nextToken('launch');
  await substrate.launch(place.spec({ site: other }), token, signal);
  const instance = place.emulator.world.instances.get(`us-central1-a/${token}`);
  Object.assign(instance ?? {}, { autoDelete: false });
  await destroy(token);
  await bakedOn({
    source: { case: 'gce', value: { selfLink: 'projects/debian-cloud/global/images/family/debian-12' } },
    reference: {},
  } as unknown as Artifact);
  const role = await readFile(new URL('../../../../deploy/gcp/role.yaml', import.meta.url), 'utf8');
  const allowed = [...role.matchAll(/^ {2}- (\S+)$/gm)].map(([, one = '']) => one);
  // A binding on the machine's own service account gives this one.
  const asked = [...place.emulator.permissions].filter((one) => one !== 'iam.serviceAccounts.actAs');
  expect(new Set(allowed)).toEqual(new Set(asked));
});

/** Slow: boots a machine for one message. */
test.runIf(process.env['MURMUR_FULL'] === 'sweep')(
  'a login that stays refused is said so, and is final (21)',
  { timeout: 300_000 },
  async () => {
    const impatient = place.open({ times: { bootMs: 20_000 } });
    const machine = await impatient.launch(place.spec(), nextToken('launch'), signal);
    const instance = place.emulator.world.instances.get(`us-central1-a/${machine.token}`);
    if (instance !== undefined) instance.metadata = { ...instance.metadata, 'enable-oslogin': 'TRUE' };
    const refused = { kind: 'refused', message: expect.stringContaining('OS Login') };
    await expect(impatient.waitReady(machine, place.spec().keys, signal)).rejects.toMatchObject(refused);
    await destroy(machine.token);
  },
);
