import { setTimeout as delay } from 'node:timers/promises';

import { create } from '@bufbuild/protobuf';
import { GetBakeRequestSchema, TryImageRequestSchema } from '@murmur/api';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startTestBakery, type TestBakery } from '../testing.js';
import { takenRoom } from './claims.js';
import { testRoom } from './testing.js';

const whole = process.env['MURMUR_FULL'] === 'sweep';
const count = whole ? 20 : 3;
const machines = whole ? 4 : 1;

let kitchen: TestBakery;
beforeAll(async () => {
  kitchen = await startTestBakery(testRoom({ machines: { memoryMb: machines * 1024, vcpus: 64 } }));
});
afterAll(() => kitchen[Symbol.asyncDispose]());

const taken = async () => (await takenRoom(kitchen.db.database, 'first')).reduce((sum, tenant) => sum + tenant.machines, 0);
const running = async () => (await kitchen.leftovers()).filter((thing) => thing.startsWith('machine ')).length;

// With machines of names, `many.test.ts` shows the same every time.
test.runIf(whole)(
  `${count} bakes on room for ${machines} all complete, and never more machines run`,
  { timeout: whole ? 3_600_000 : 300_000 },
  async () => {
    const names = Array.from({ length: count }, (_, index) => `r-${index}`);
    for (const name of names) await kitchen.setRecipe(name, { script: `#!/bin/sh\necho ${name}\n` });
    const started = await Promise.all(names.map((name) => kitchen.bake(name)));
    let most = 0;
    let over = false;
    const watching = (async () => {
      while (!over) {
        most = Math.max(most, await running(), await taken());
        // Leaves the processor to the machines.
        await delay(20);
      }
    })();
    try {
      const shown = started.map(({ runId }) => kitchen.bakery.get(kitchen.caller, create(GetBakeRequestSchema, { runId })));
      const said = (await Promise.all(shown)).map(({ bake }) => bake?.waitsFor);
      expect(said).toContainEqual(expect.stringMatching(/^queued: \d+ ahead$/));
      const ends = await Promise.all(started.map(({ runId }) => kitchen.follow(runId)));
      expect(ends.map(({ bake }) => bake.phase)).toEqual(names.map(() => 'completed'));
    } finally {
      over = true;
      await watching;
    }
    expect(most).toBe(machines);
    expect(await kitchen.leftovers()).toEqual([]);
  },
);

test(
  'a machine to try an image waits for room as well, and a bake that is queued is cancelled without having had one',
  { timeout: 120_000 },
  async () => {
    const queued: string[] = [];
    for (let number = 0; number <= machines; number += 1) {
      await kitchen.setRecipe(`slow-${number}`, { script: '#!/bin/sh\nsleep 100\n' });
      queued.push((await kitchen.bake(`slow-${number}`)).runId);
    }
    const [first = '', ...others] = queued;
    const place = { image: 'murmur-qemu-base', environment: 'murmur-qemu-small', placement: 'murmur-qemu-local' };
    const request = create(TryImageRequestSchema, { ...place, command: ['true'] });
    const said: string[] = [];
    for await (const { event } of kitchen.bakery.tryImage(kitchen.caller, request, new AbortController().signal)) {
      said.push(event.case === 'progress' ? event.value : `${event.case} ${String(event.value)}`);
      // The bake that waited longer does not come before somebody who sits and waits.
      if (said.length === 1) await kitchen.bakery.cancel(kitchen.caller, kitchen.cancelRequest(first));
    }
    expect(said).toEqual([
      'queued: next, once there is room for 1 GiB of memory and 1 vCPU on the host',
      'Starting a machine from image "murmur-qemu-base"',
      'Waiting for it to boot',
      'exitCode 0',
    ]);
    for (const runId of others.toReversed()) await kitchen.bakery.cancel(kitchen.caller, kitchen.cancelRequest(runId));
    for (const runId of queued) expect((await kitchen.follow(runId)).bake.phase).toBe('cancelled');
    expect(await kitchen.leftovers()).toEqual([]);
  },
);
