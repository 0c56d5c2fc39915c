import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { logHas, logOf, runEnded, runWhen, runsOf, setRecipe } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { machineFolders, machinesOf } from './harness/machines.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';
import { eventually } from './harness/wait.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;

/** Says 1 to 20, slowly enough to be interrupted, and marks the image. */
const countingScript = '#!/bin/sh\ni=1\nwhile [ $i -le 20 ]; do echo "line $i"; i=$((i+1)); sleep 0.5; done\necho done > /root/marker\n';
const countedLines = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`);

describe('a bake whatever happens', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer();
    await setTinyImage(server);
  });
  afterAll(() => server.remove());
  beforeEach(async () => {
    await nothingLeft();
  });

  const nothingLeft = async (): Promise<void> => {
    await eventually('every machine to be gone', async () => ((await machinesOf(server.dataDir)).length === 0 ? true : undefined));
    await eventually('every machine folder to be gone', async () =>
      (await machineFolders(server.dataDir)).length === 0 ? true : undefined,
    );
  };
  const bake = (recipe: string, ...flags: string[]): Promise<string> => murmurOk(server, ['bake', ...flags, recipe, ...place]);

  it('goes on in the same machine after kill -9 of the server in the middle of the script', async () => {
    await setRecipe(server, 'counted', countingScript);
    await bake('counted');
    const run = await runWhen(server, 'counted', 'provisioning', ({ phase }) => phase === 'provisioning');
    await logHas(server, run.run_id, 'line 3');
    const [machine] = await machinesOf(server.dataDir);

    await server.kill();
    expect((await machinesOf(server.dataDir)).map(({ pid }) => pid)).toEqual([machine?.pid]);
    await server.start();

    const ended = await runEnded(server, 'counted');
    expect(ended).toMatchObject({ phase: 'completed', attempt: 1 });
    const said = (await logOf(server, run.run_id)).split('\n').filter((line) => line.startsWith('line '));
    expect(said).toEqual(countedLines);
    const images = JSON.parse(await murmurOk(server, ['get', 'image', '-o', 'json'])) as { name: string }[];
    expect(images.filter(({ name }) => name.startsWith('counted-'))).toHaveLength(1);
    await nothingLeft();
  });

  it('starts afresh on a new machine when its machine is killed', async () => {
    await setRecipe(server, 'robbed', countingScript);
    await bake('robbed');
    const run = await runWhen(server, 'robbed', 'provisioning', ({ phase }) => phase === 'provisioning');
    await logHas(server, run.run_id, 'line 2');
    const [machine] = await machinesOf(server.dataDir);
    process.kill(machine?.pid ?? Number.NaN, 'SIGKILL');

    expect(await runEnded(server, 'robbed')).toMatchObject({ phase: 'completed', attempt: 2 });
    await nothingLeft();
  });

  it('stops when cancelled, wherever it is', async () => {
    await setRecipe(server, 'unwanted', '#!/bin/sh\necho begun\nsleep 600\n');
    await bake('unwanted');
    const run = await runWhen(server, 'unwanted', 'provisioning', ({ phase }) => phase === 'provisioning');
    await logHas(server, run.run_id, 'begun');

    await murmurOk(server, ['bakes', 'cancel', run.run_id]);

    expect(await runEnded(server, 'unwanted')).toMatchObject({ phase: 'cancelled' });
    await nothingLeft();
    const again = await murmur(server, ['bakes', 'cancel', run.run_id]);
    expect(again.code).toBe(1);
  });

  it('fails with the script\u2019s code and last words, and is not tried again', async () => {
    await setRecipe(server, 'broken', '#!/bin/sh\necho before\necho "no such package" >&2\nexit 3\n');
    const waited = await murmur(server, ['bake', '--wait', 'broken', ...place]);
    expect(waited.code).toBe(1);

    const run = await runEnded(server, 'broken');
    expect(run).toMatchObject({ phase: 'failed', attempt: 1 });
    expect(run.error).toMatch(/script exited with code 3/);
    expect(run.error).toMatch(/no such package/);
    await nothingLeft();
  });

  it('ends the whole process tree at the timeout', async () => {
    await setRecipe(server, 'endless', '#!/bin/sh\n(setsid sleep 700 &)\nsleep 600\n', { provisioning_timeout: '3s' });
    await bake('endless');
    const run = await runEnded(server, 'endless');
    expect(run).toMatchObject({ phase: 'failed', attempt: 1 });
    expect(run.error).toMatch(/timed out after 3s/);
    await nothingLeft();
  });

  it('runs once for fifty who ask at once', async () => {
    await setRecipe(server, 'popular', '#!/bin/sh\necho hello\nsleep 3\n');
    const answers = await Promise.all(Array.from({ length: 50 }, () => bake('popular')));
    const first = answers.map((answer) => answer.split(' (')[0]);
    expect(first.filter((words) => words === 'Bake started')).toHaveLength(1);
    expect(first.filter((words) => words === 'Bake in progress')).toHaveLength(49);
    await eventually('its machine', async () => ((await machinesOf(server.dataDir)).length > 0 ? true : undefined));
    expect(await machinesOf(server.dataDir)).toHaveLength(1);

    expect(await runEnded(server, 'popular')).toMatchObject({ phase: 'completed' });
    expect(await runsOf(server, 'popular')).toHaveLength(1);
    expect(await bake('popular')).toMatch(/^Image murmur-provision-[0-9a-f]{16} already cached \(hash: [0-9a-f]{64}\)\n$/);
  });
});
