import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bakeSteps } from '../../packages/server/src/bake/workflow/bake.js';
import { logOf, runEnded, runsOf, setRecipe } from './bakes.js';
import { type Border, type Borders, watchBorders } from './borders.js';
import { murmurOk } from './cli.js';
import { type CrashRow, crashTableFaults } from './crash-table.js';
import { connectToDatabase } from './database.js';
import type { TestServer } from './server.js';
import { eventually } from './wait.js';

/** A substrate on which bakes are swept. */
export interface SweptPlace extends AsyncDisposable {
  /** Has an image `tiny` to bake on. */
  readonly server: TestServer;
  readonly environment: string;
  readonly placement: string;
  /** The recipe's field for the base image. */
  readonly baseField: string;
  /** How {@link things} names what a catalog image stands for, by the image as `get image -o json` prints it. */
  nameOf(image: Readonly<Record<string, unknown>>): string;
  /** All that is at the place, and all that the substrate keeps about it. */
  things(): Promise<readonly string[]>;
}

const lines = Array.from({ length: 5 }, (_, index) => `line ${index + 1}`);
const script = '#!/bin/sh\nfor n in 1 2 3 4 5; do echo "line $n"; sleep 0.2; done\necho made >/root/marker\n';

const borders: readonly Border[] = bakeSteps.flatMap(({ name: step }) => [
  { step, side: 'done, not recorded' } as const,
  { step, side: 'recorded' } as const,
]);

/** The last step ends the run, so that a server which died right after its work has nothing to record any more. */
const ofTheEnd = borders.slice(-2, -1);
const onTheWay = borders.filter((border) => !ofTheEnd.includes(border));

const sweeps = process.env['MURMUR_FULL'] === 'sweep';

/**
 * Kills the server at the borders of its bakes' steps, and looks at what came of it: at all of them in turn, and in a sweep
 * also at each one alone. Outside of a sweep only after the steps named in `quick`, where these are given.
 */
export function describeCrashSweep(name: string, setUp: () => Promise<SweptPlace>, quick?: readonly string[]): void {
  const isQuick = ({ side, step }: Border) => sweeps || quick === undefined || (side === 'done, not recorded' && quick.includes(step));
  describe(`kill -9 of the server of ${name}`, () => {
    let swept: SweptPlace;
    let server: TestServer;
    let watched: Borders;

    beforeAll(async () => {
      swept = await setUp();
      ({ server } = swept);
      watched = await watchBorders(server);
    });
    afterAll(async () => {
      await watched[Symbol.asyncDispose]();
      await swept[Symbol.asyncDispose]();
    });

    /** Bakes a recipe while the server is killed at each of these borders, one after another, and says what came of it. */
    const bakeThrough = async (recipe: string, killedAt: readonly Border[]): Promise<Omit<CrashRow, 'at'>> => {
      await setRecipe(server, recipe, script, { base_image_qemu_ref: undefined, [swept.baseField]: 'tiny' });
      const place = [swept.environment, swept.placement];
      const before = await swept.things();
      const [first] = killedAt;
      if (first !== undefined) await watched.arm(first);
      await murmurOk(server, ['bake', recipe, ...place]);
      for (const index of killedAt.keys()) {
        await watched.kill();
        const next = killedAt[index + 1];
        if (next !== undefined) await watched.arm(next);
        await server.start();
      }
      const { attempt, phase, run_id: id } = await runEnded(server, recipe);
      const images = await imagesOf(recipe);
      return {
        runs: (await runsOf(server, recipe)).length,
        phase,
        attempt,
        log: (await logOf(server, id)).trimEnd().split('\n'),
        images: images.length,
        left: await leftAtLast([...before, ...images]),
        again: /already cached/.exec(await murmurOk(server, ['bake', recipe, ...place]))?.[0],
      };
    };
    const flawless = { runs: 1, phase: 'completed', attempt: 1, log: lines, images: 1, left: [], again: 'already cached' };

    const imagesOf = async (recipe: string): Promise<readonly string[]> => {
      const images = JSON.parse(await murmurOk(server, ['get', 'image', '-o', 'json'])) as { name: string }[];
      return images.filter((image) => image.name.startsWith(`${recipe}-`)).map((image) => swept.nameOf(image));
    };

    /** What is left when a server that has just started had time to look around and tidy up. */
    const leftAtLast = async (expected: readonly string[]): Promise<readonly string[]> => {
      const end = Date.now() + 20_000;
      return eventually('an answer', async () => {
        const left = await leftNow(expected);
        return left.length === 0 || Date.now() > end ? left : undefined;
      });
    };

    const leftNow = async (expected: readonly string[]): Promise<readonly string[]> => [
      ...(await swept.things()).filter((thing) => !expected.includes(thing)),
      ...(await openIntents(server)),
    ];

    it.for<readonly [string, readonly Border[]]>([
      ['each border in turn', onTheWay.filter(isQuick)],
      ['the end', ofTheEnd.filter(isQuick)],
    ])('at %s of one bake leaves one image, every line once, and nothing else', async ([what, killedAt], { skip }) => {
      if (killedAt.length === 0) return skip('only in a sweep');
      return expect(await bakeThrough(what.replaceAll(' ', '-'), killedAt)).toEqual(flawless);
    });

    describe.runIf(sweeps)('once in a bake', () => {
      const rows: CrashRow[] = [];

      it.each(borders)('when $step is $side leaves one image, every line once, and nothing else', async (border) => {
        const row = await bakeThrough(`swept-${borders.indexOf(border)}`, [border]);
        rows.push({ at: `${border.step} is ${border.side}`, ...row });
        expect(row).toEqual(flawless);
      });

      it('came to what the documentation says', async () => expect(await crashTableFaults(name, rows)).toEqual([]));
    });
  });
}

async function openIntents(server: TestServer): Promise<readonly string[]> {
  const { close, database } = await connectToDatabase(server);
  try {
    const rows = await database.selectFrom('intents').select('token').where('settled_at', 'is', null).execute();
    return rows.map(({ token }) => token);
  } finally {
    await close();
  }
}
