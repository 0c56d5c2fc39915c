import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bakeSteps } from '../packages/server/src/bake/workflow/bake.js';
import { openRuntimeDir } from '../packages/server/src/host/runtime-dir.js';
import { logOf, runEnded, runsOf, setRecipe } from './harness/bakes.js';
import { type Border, type Borders, watchBorders } from './harness/borders.js';
import { murmurOk } from './harness/cli.js';
import { connectToDatabase } from './harness/database.js';
import { machineFolders, machinesOf } from './harness/machines.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';
import { eventually } from './harness/wait.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;
const lines = Array.from({ length: 5 }, (_, index) => `line ${index + 1}`);
const script = '#!/bin/sh\nfor n in 1 2 3 4 5; do echo "line $n"; sleep 0.2; done\necho made >/root/marker\n';

const borders: readonly Border[] = bakeSteps.flatMap(({ name: step }) => [
  { step, side: 'done, not recorded' } as const,
  { step, side: 'recorded' } as const,
]);

/** The last step ends the run, so that a server which died right after its work has nothing to record any more. */
const ofTheEnd = borders.slice(-2, -1);
const onTheWay = borders.filter((border) => !ofTheEnd.includes(border));

describe('kill -9 of the server', () => {
  let server: TestServer;
  let watched: Borders;

  beforeAll(async () => {
    server = await startServer();
    await setTinyImage(server);
    watched = await watchBorders(server);
  });
  afterAll(async () => {
    await watched[Symbol.asyncDispose]();
    await server.remove();
  });

  /** Bakes a recipe while the server is killed at each of these borders, one after another, and says what came of it. */
  const bakeThrough = async (recipe: string, killedAt: readonly Border[]): Promise<unknown> => {
    await setRecipe(server, recipe, script);
    const before = await readdir(join(server.dataDir, 'images'));
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
    const disks = await disksOf(recipe);
    return {
      runs: (await runsOf(server, recipe)).length,
      phase,
      attempt,
      log: (await logOf(server, id)).trimEnd().split('\n'),
      images: disks.length,
      left: await leftAtLast([...before, ...disks]),
      again: /already cached/.exec(await murmurOk(server, ['bake', recipe, ...place]))?.[0],
    };
  };
  const flawless = { runs: 1, phase: 'completed', attempt: 1, log: lines, images: 1, left: [], again: 'already cached' };

  const disksOf = async (recipe: string): Promise<readonly string[]> => {
    const images = JSON.parse(await murmurOk(server, ['get', 'image', '-o', 'json'])) as { name: string; qemu?: { disk_digest: string } }[];
    return images.filter(({ name }) => name.startsWith(`${recipe}-`)).map(({ qemu }) => qemu?.disk_digest.replace(':', '-') ?? 'none');
  };

  /** What is left when a server that has just started had time to look around and tidy up. */
  const leftAtLast = async (images: readonly string[]): Promise<readonly string[]> => {
    const end = Date.now() + 20_000;
    return eventually('an answer', async () => {
      const left = await leftNow(images);
      return left.length === 0 || Date.now() > end ? left : undefined;
    });
  };

  const leftNow = async (images: readonly string[]): Promise<readonly string[]> => [
    ...(await machinesOf(server.dataDir)).map(({ pid }) => `process ${pid}`),
    ...(await machineFolders(server.dataDir)),
    ...(await readdir(join(server.dataDir, 'images'))).filter((name) => !images.includes(name)),
    ...(await readdir(await openRuntimeDir(server.dataDir))).filter((name) => name.endsWith('.qmp')),
    ...(await openIntents(server)),
  ];

  it.each([
    ['each border in turn', onTheWay],
    ['the end', ofTheEnd],
  ])('at %s of one bake leaves one image, every line once, and nothing else', async (what, killedAt) => {
    expect(await bakeThrough(what.replaceAll(' ', '-'), killedAt)).toEqual(flawless);
  });

  describe.runIf(process.env['MURMUR_FULL'] === 'sweep')('once in a bake', () => {
    it.each(borders)('when $step is $side leaves one image, every line once, and nothing else', async (border) => {
      expect(await bakeThrough(`swept-${borders.indexOf(border)}`, [border])).toEqual(flawless);
    });
  });
});

async function openIntents(server: TestServer): Promise<readonly string[]> {
  const { close, database } = await connectToDatabase(server);
  try {
    const rows = await database.selectFrom('intents').select('token').where('settled_at', 'is', null).execute();
    return rows.map(({ token }) => token);
  } finally {
    await close();
  }
}
