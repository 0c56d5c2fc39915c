import { create } from '@bufbuild/protobuf';
import { ImageSchema } from '@murmur/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { describeFaults } from './conformance-faults.js';
import { createRig, type PlaceUnderTest } from './conformance-rig.js';
import { describeScripts } from './conformance-script.js';
import { type Artifact, type Machine, PlatformFault, type ResolvedBase, type Substrate, type Token } from './substrate.js';
import { allRights } from './testing/all-rights.js';

export type { PlaceUnderTest };

/** Only a fault takes this long. */
const patienceMs = 60_000;

/** Every promise of the port, shown on a real substrate. */
export function describeSubstrate(name: string, setUp: () => Promise<PlaceUnderTest>): void {
  describe(`the ${name} substrate`, { timeout: 180_000 }, () => {
    const { signal } = new AbortController();
    let under: PlaceUnderTest;
    const rig = createRig(() => under);
    const { keys, nextToken, ready, run, spec } = rig;

    beforeAll(async () => void (under = await setUp()), 180_000);
    afterAll(() => under.close());

    const tokens = async (installation = under.installation) =>
      (await under.substrate.listOwned(under.site, installation, signal)).things.map((thing) => thing.token);
    /** A list is right at once on the server's own host; elsewhere it may lag behind, and is right in the end. */
    const expectList = () => expect.poll(() => tokens(), { timeout: under.substrate.local ? 1 : patienceMs });
    const bootIdOf = async (substrate: Substrate, machine: Machine) =>
      (await run(substrate, machine, 'cat /proc/sys/kernel/random/boot_id')).stdout;

    describe('a running machine', () => {
      let machine: Machine;
      beforeAll(async () => void (machine = await ready()), 180_000);
      afterAll(() => under.substrate.destroy(under.site, machine.token, signal));

      test('is the same one when it is launched again with its token', async () => {
        const before = await bootIdOf(under.substrate, machine);
        const again = await under.substrate.launch(spec(), machine.token, signal);
        expect(again).toEqual(machine);
        expect(await bootIdOf(under.substrate, again)).toBe(before);
        await expectList().toContain(machine.token);
        expect((await tokens()).filter((token) => token === machine.token)).toHaveLength(1);
      });

      test('is found again by another server', async () => {
        const other = await under.reopen();
        const found = await other.launch(spec(), machine.token, signal);
        await other.waitReady(found, keys, signal);
        expect(await bootIdOf(other, found)).toBe(await bootIdOf(under.substrate, machine));
      });

      test('runs commands as root with input, both outputs and a status', async () => {
        const result = await run(under.substrate, machine, 'id -u; cat; echo problem >&2; exit 7', 'from outside');
        expect(result).toEqual({ exitCode: 7, stdout: '0\nfrom outside', stderr: 'problem\n' });
      });

      test('hands on output as it comes and lets a command be given up', async () => {
        await using channel = await under.substrate.channel(machine, keys, signal);
        const stop = new AbortController();
        const seen: string[] = [];
        const sink = { stdout: (chunk: Buffer) => (seen.push(chunk.toString()), stop.abort(new Error('enough'))), stderr: () => undefined };
        await expect(channel.stream('echo first; sleep 600', sink, { signal: stop.signal })).rejects.toThrow('enough');
        expect(seen.join('')).toBe('first\n');
        expect((await channel.run('echo still here')).stdout).toBe('still here\n');
      });

      test('is at its own site and at no other', async ({ skip }) => {
        const { otherSite: elsewhere, site, substrate } = under;
        if (elsewhere === undefined) return skip('everything is at one site here');
        await expectList().toContain(machine.token);
        const { incomplete, things } = await substrate.listOwned(elsewhere, under.installation, signal);
        expect({ incomplete, things }).toEqual({ incomplete: undefined, things: [] });
        await substrate.destroy(elsewhere, machine.token, signal);
        expect((await run(substrate, machine, 'echo here')).stdout).toBe('here\n');
        expect([substrate.serves(site), substrate.serves(elsewhere)]).toEqual([true, true]);
      });

      test('is listed for its own installation only', async () => {
        await expectList().toContain(machine.token);
        expect(await tokens('another-installation')).toEqual([]);
      });
    });

    test('a machine that is killed is a fault of the platform, in mid-command and when it is asked for again', async () => {
      const machine = await ready();
      await using channel = await under.substrate.channel(machine, keys, signal);
      let started: (value: unknown) => void = () => undefined;
      const running = new Promise((resolve) => (started = resolve));
      const ended = channel
        .stream('echo started; sleep 600', { stdout: started, stderr: () => undefined })
        .catch((error: unknown) => error);
      await running;
      await under.kill(machine);
      expect(await ended).toBeInstanceOf(PlatformFault);
      await expect(under.substrate.waitReady(machine, keys, signal)).rejects.toBeInstanceOf(PlatformFault);
      await expect(under.substrate.channel(machine, keys, signal)).rejects.toBeInstanceOf(PlatformFault);
      await under.substrate.destroy(under.site, machine.token, signal);
    });

    test('a destroyed machine is gone, and destroying it again or one that never was is no error', async () => {
      const machine = await ready();
      await under.substrate.destroy(under.site, machine.token, signal);
      await under.substrate.destroy(under.site, machine.token, signal);
      await under.substrate.destroy(under.site, nextToken('launch'), signal);
      await expectList().toEqual([]);
    });

    test('a machine vanishes when its time is over though nobody asks for it', async () => {
      const machine = await under.substrate.launch(spec({ lifetimeSeconds: 2 }), nextToken('launch'), signal);
      const refusal = () => under.substrate.channel(machine, keys, signal).catch((error: unknown) => error);
      await expect.poll(refusal, { timeout: patienceMs }).toBeInstanceOf(PlatformFault);
      await expect.poll(() => tokens(), { timeout: patienceMs }).not.toContain(machine.token);
    });

    describe('a captured image', () => {
      const artifactToken = 'run-0-capture' as Token;
      let artifact: Artifact;
      let source: Machine;
      beforeAll(async () => {
        source = await ready();
        await run(
          under.substrate,
          source,
          'echo kept >/marker && dd if=/dev/urandom of=/gone bs=1M count=8 2>/dev/null && sync && rm /gone',
        );
        artifact = await under.substrate.capture(source, keys, rig.artifact(artifactToken), signal);
      }, 180_000);

      test('is the same one when the capture is repeated, also after its machine is gone', async () => {
        const again = async (substrate: Substrate) => substrate.capture(source, keys, rig.artifact(artifactToken), signal);
        expect(await again(under.substrate)).toEqual(artifact);
        await under.substrate.destroy(under.site, source.token, signal);
        expect(await again(await under.reopen())).toEqual(artifact);
      });

      test('exists at a quick and at a thorough look', async () => {
        expect(await under.substrate.imageExists(under.site, artifact.reference, 'quick', signal)).toBe(true);
        expect(await under.substrate.imageExists(under.site, artifact.reference, 'thorough', signal)).toBe(true);
      });

      test('is listed until it is kept', async () => {
        await expectList().toEqual([artifactToken]);
        await under.substrate.keepImage(under.site, artifact.reference, signal);
        await under.substrate.keepImage(under.site, artifact.reference, signal);
        await expectList().toEqual([]);
        expect(await under.substrate.imageExists(under.site, artifact.reference, 'thorough', signal)).toBe(true);
      });

      test('boots with what was on the disk, and its own image can be captured in turn', async () => {
        const base = await resolve(artifact);
        const machine = await ready({ base });
        expect((await run(under.substrate, machine, 'cat /marker')).stdout).toBe('kept\n');
        const second = await under.substrate.capture(machine, keys, { ...rig.artifact(nextToken('capture')), name: 'second' }, signal);
        await under.substrate.destroy(under.site, machine.token, signal);
        await under.substrate.discardImage(under.site, second.reference, signal);
        expect(await under.substrate.imageExists(under.site, second.reference, 'quick', signal)).toBe(false);
        expect(await under.substrate.imageExists(under.site, artifact.reference, 'quick', signal)).toBe(true);
      });

      test('is noticed as damaged: what hides by a thorough look, what is plain by a quick one', async () => {
        await under.damage(artifact, 'hidden');
        expect(await under.substrate.imageExists(under.site, artifact.reference, 'thorough', signal)).toBe(false);
        await under.damage(artifact, 'plain');
        expect(await under.substrate.imageExists(under.site, artifact.reference, 'quick', signal)).toBe(false);
      });

      test('is gone once discarded, and discarding it again is no error', async () => {
        await under.substrate.discardImage(under.site, artifact.reference, signal);
        await under.substrate.discardImage(under.site, artifact.reference, signal);
        expect(await under.substrate.imageExists(under.site, artifact.reference, 'quick', signal)).toBe(false);
        await expectList().toEqual([]);
      });

      const resolve = async (made: Artifact): Promise<ResolvedBase> => {
        return under.substrate.resolveBase(under.site, create(ImageSchema, { name: 'image', source: made.source }), allRights, signal);
      };
    });

    describeScripts(() => under, rig);
    describeFaults(name, () => under, rig);
  });
}
