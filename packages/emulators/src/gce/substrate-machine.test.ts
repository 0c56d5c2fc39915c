import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { emulatedPlace, type EmulatedPlace, type Substrate, type Token } from './testing-substrate.js';

const { signal } = new AbortController();

/** Slow: boots real machines. `MURMUR_FULL=sweep` runs it. */
describe.runIf(process.env['MURMUR_FULL'] === 'sweep')('a machine on the emulated GCE', { timeout: 600_000 }, () => {
  let place: EmulatedPlace;
  let substrate: Substrate;
  beforeAll(async () => {
    place = await emulatedPlace();
    substrate = place.open();
  });
  afterAll(() => place[Symbol.asyncDispose]());

  test('is entered by its user and used as root though the project has OS Login on, and its image holds what was baked (21, 22)', async () => {
    place.emulator.settings.projectMetadata = { 'enable-oslogin': 'TRUE' };
    const { keys, owner } = place.spec();
    const machine = await substrate.launch(place.spec(), 'run-1-launch' as Token, signal);
    await substrate.waitReady(machine, keys, signal);
    {
      await using channel = await substrate.channel(machine, keys, signal);
      expect((await channel.run('id -u; pwd; echo kept >/marker')).stdout).toBe('0\n/root\n');
    }
    const token = 'run-1-capture' as Token;
    const artifact = await substrate.capture(machine, keys, { name: 'image', token, owner }, signal);
    await substrate.destroy(place.siteOf(), machine.token, signal);
    const image = place.emulator.world.images.get('emulated-project/image');
    const base = { immutableId: `projects/emulated-project/global/images/image@${image?.id}`, architecture: 'AMD64' as const };
    const second = await substrate.launch(place.spec({ base }), 'run-2-launch' as Token, signal);
    await substrate.waitReady(second, keys, signal);
    await using channel = await substrate.channel(second, keys, signal);
    expect((await channel.run('cat /marker')).stdout).toBe('kept\n');
    await substrate.destroy(place.siteOf(), second.token, signal);
    await substrate.discardImage(place.siteOf(), artifact.reference, signal);
    expect(place.left()).toEqual([]);
    expect(JSON.stringify(place.emulator.seen)).not.toContain(keys.clientPrivate.split('\n')[2] ?? 'no key');
  });

  test('that refuses the login for good is said so, and is final (21)', async () => {
    const impatient = place.open({ times: { bootMs: 30_000 } });
    const machine = await impatient.launch(place.spec(), 'run-3-launch' as Token, signal);
    const instance = place.emulator.world.instances.get(`us-central1-a/${machine.token}`);
    if (instance !== undefined) instance.metadata = { ...instance.metadata, 'enable-oslogin': 'TRUE' };
    const refused = { kind: 'refused', message: expect.stringContaining('OS Login') };
    await expect(impatient.waitReady(machine, place.spec().keys, signal)).rejects.toMatchObject(refused);
    await substrate.destroy(place.siteOf(), machine.token, signal);
  });
});
