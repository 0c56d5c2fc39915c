import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { logOf, type Run, runEnded, runsOf, setRecipe } from './harness/bakes.js';
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

const gib = 1024 ** 3;

it.runIf(process.env['MURMUR_FULL'] === 'sweep')(
  'fifty machines that ask for 200 GiB at once stay within the memory that the host gives, and all are baked',
  { timeout: 3_600_000 },
  async () => {
    const many = Array.from({ length: 50 }, (_, index) => `m-${index}`);
    await server.stop();
    await writeFile(join(server.dataDir, 'server.yaml'), 'limits:\n  machines: {memory_gb: 16, vcpus: 100}\n');
    await server.start();
    // Each takes what it was promised a part of.
    for (const name of many) await setRecipe(server, name, '#!/bin/sh\nset -e\ndd if=/dev/zero of=/dev/null bs=500M count=1\n');
    let over = false;
    const most = { machines: 0, bytes: 0 };
    const watching = (async () => {
      while (!over) {
        const machines = await machinesOf(server.dataDir);
        most.machines = Math.max(most.machines, machines.length);
        most.bytes = Math.max(
          most.bytes,
          (await Promise.all(machines.map(({ pid }) => residentBytes(pid)))).reduce((a, b) => a + b, 0),
        );
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    })();
    try {
      const medium = ['murmur-qemu-medium', 'murmur-qemu-local'];
      for (const name of many) await murmurOk(server, ['bake', name, ...medium]);
      await eventually(
        'every bake',
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 2000));
          const listed = await murmurOk(server, ['bakes', 'ls', '--page-size', '100', '-o', 'json']);
          const { bakes: runs } = JSON.parse(listed) as { bakes: readonly Run[] };
          const mine = runs.filter(({ recipe }) => many.includes(recipe));
          expect(mine.filter(({ phase }) => phase === 'failed')).toEqual([]);
          return mine.length === many.length && mine.every(({ phase }) => phase === 'completed') ? true : undefined;
        },
        3_000_000,
      );
    } finally {
      over = true;
      await watching;
    }
    process.stdout.write(`at most ${most.machines} machines at once, with ${(most.bytes / gib).toFixed(2)} GiB in memory\n`);
    expect(most.machines).toBeGreaterThan(1);
    expect(most.machines).toBeLessThanOrEqual(4);
    expect(most.bytes).toBeLessThan(16 * gib);
  },
);

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
