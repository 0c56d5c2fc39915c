import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { logOf, runEnded, runsOf, setRecipe } from './harness/bakes.js';
import { murmurOk } from './harness/cli.js';
import { machinesOf } from './harness/machines.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';
import { eventually } from './harness/wait.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;
const recipes = ['r-0', 'r-1', 'r-2', 'r-3'];

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await setTinyImage(server);
  await server.stop();
  await writeFile(join(server.dataDir, 'server.yaml'), 'limits:\n  machines: {memory_gb: 1, vcpus: 1}\n');
  await server.start();
});
afterAll(() => server.remove());

it.runIf(process.env['MURMUR_FULL'] === 'sweep')(
  'the room of a host is kept through kill -9 of the server at any moment, and every bake that waits gets its turn',
  { timeout: 900_000 },
  async () => {
    for (const name of recipes) {
      await setRecipe(server, name, '#!/bin/sh\nsleep 2\n');
      await murmurOk(server, ['bake', name, ...place]);
    }
    const [last] = await runsOf(server, 'r-3');
    expect(await murmurOk(server, ['bakes', 'show', last?.run_id ?? ''])).toMatch(/^Phase +queued: 2 ahead$/m);

    let over = false;
    let most = 0;
    const watching = (async () => {
      while (!over) {
        most = Math.max(most, (await machinesOf(server.dataDir)).length);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    try {
      for (const name of recipes) {
        // Whatever it is doing just then.
        await eventually('a machine', async () => ((await machinesOf(server.dataDir)).length > 0 ? true : undefined));
        await server.kill();
        await server.start();
        expect(await runEnded(server, name)).toMatchObject({ phase: 'completed', attempt: 1 });
      }
    } finally {
      over = true;
      await watching;
    }
    expect(most).toBe(1);
    expect(await logOf(server, last?.run_id ?? '')).toContain('murmur: queued: 2 ahead\n');
  },
);
