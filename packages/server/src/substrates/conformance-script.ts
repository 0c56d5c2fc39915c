import { randomBytes } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { cleanProgram } from '../bake/supervisor/clean-program.js';
import { guestFolder, readCommand, type ScriptStart, startProgram } from '../bake/supervisor/guest-program.js';
import type { PlaceUnderTest, Rig } from './conformance-rig.js';
import type { Machine } from './substrate.js';

const patienceMs = 120_000;

/** A script under the supervisor that ships, in a machine of the place: what comes of it, and what of it stays. */
export function describeScripts(place: () => PlaceUnderTest, rig: Rig): void {
  describe('a script', { timeout: 180_000 }, () => {
    const { signal } = new AbortController();
    const folder = () => place().substrate.guestFolder ?? guestFolder;
    const inside = (machine: Machine, command: string, stdin?: string) => rig.run(place().substrate, machine, command, stdin);
    const begin = async (machine: Machine, start: ScriptStart) => {
      expect((await inside(machine, 'sh', startProgram(start, folder()))).stdout).toBe('started\n');
    };
    /** What it has printed and how it stands. */
    const read = async (machine: Machine) => {
      const { stderr, stdout } = await inside(machine, readCommand(0, 0, folder()));
      return [stdout, stderr.trim()];
    };
    const expectEnd = (machine: Machine) => expect.poll(() => read(machine), { timeout: patienceMs });

    test('prints, ends with its code, and has variables that are nowhere but in memory', async () => {
      const machine = await rig.ready();
      const value = randomBytes(20).toString('hex');
      const script = '#!/bin/sh\necho "${#SECRET} characters"\necho problem >&2\nuntil [ -e /tmp/go ]; do sleep 0.1; done\nexit 7\n';
      await begin(machine, { script, variables: { SECRET: value }, timeoutSeconds: 60 });
      await expectEnd(machine).toEqual(['40 characters\nproblem\n', 'running']);
      expect((await place().revealed(machine)).includes(value)).toBe(false);
      await inside(machine, ': >/tmp/go');
      await expectEnd(machine).toEqual(['40 characters\nproblem\n', 'exited 7']);
      expect(await inside(machine, 'sh', cleanProgram(rig.keys.clientPublic, folder()))).toMatchObject({ exitCode: 0, stderr: '' });
      expect((await place().revealed(machine)).includes(value)).toBe(false);
      await place().substrate.destroy(place().site, machine.token, signal);
    });

    test('that takes too long is ended with all that it started', async () => {
      const machine = await rig.ready();
      const script = '#!/bin/sh\nsetsid sleep 98765 &\n(sleep 98765 &) &\necho begun\nsleep 98765\n';
      await begin(machine, { script, variables: {}, timeoutSeconds: 2 });
      await expectEnd(machine).toEqual(['begun\n', 'timed-out']);
      expect((await inside(machine, 'ps | grep -c "[s]leep 98765"')).stdout).toBe('0\n');
      await place().substrate.destroy(place().site, machine.token, signal);
    });
  });
}
