import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { processesIn } from '../packages/server/src/database/embedded/postmaster.js';
import { callApi } from './harness/api.js';
import { logOf, runEnded, runsOf, runWhen, setRecipe } from './harness/bakes.js';
import { murmurOk } from './harness/cli.js';
import { connectToDatabase } from './harness/database.js';
import { startLoad, type Load } from './harness/load.js';
import { machineFolders, machinesOf } from './harness/machines.js';
import { startPostgres, type TestPostgres } from './harness/postgres.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';
import { eventually } from './harness/wait.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;
const lines = Array.from({ length: 16 }, (_, index) => `line ${index + 1}`);
const script = '#!/bin/sh\ni=1\nwhile [ $i -le 16 ]; do echo "line $i"; i=$((i+1)); sleep 0.5; done\necho done >/root/marker\n';
const away = "unavailable: the server's database does not answer";

const readiness = async (server: TestServer): Promise<number> => (await fetch(`${server.url}/readyz`)).status;

describe('two servers on a database that fails', () => {
  let postgres: TestPostgres;
  let one: TestServer;
  let two: TestServer;
  const servers = (): readonly TestServer[] => [one, two];

  beforeAll(async () => {
    postgres = await startPostgres();
    one = await startServer({ databaseUrl: postgres.url });
    two = await startServer({ databaseUrl: postgres.url, keyOf: one });
    await setTinyImage(one);
    await cp(join(one.dataDir, 'images'), join(two.dataDir, 'images'), { recursive: true });
  });
  afterAll(async () => {
    await postgres.goOn();
    for (const server of servers()) await server.remove();
    await postgres[Symbol.asyncDispose]();
  });

  const ready = async (): Promise<void> => {
    for (const server of servers())
      await eventually(`${server.url} to be ready`, async () => ((await readiness(server).catch(() => 0)) === 200 ? true : undefined));
  };
  const load = (on: readonly TestServer[]): Load => {
    const started = startLoad(on);
    onTestFinished(() => started.stop());
    return started;
  };
  /** Bakes a recipe of this name on each of these servers. */
  const bakeOn = async (on: readonly TestServer[], name: string): Promise<void> => {
    for (const [index, server] of on.entries()) {
      await setRecipe(server, `${name}-${index}`, `${script}# ${index}\n`);
      await murmurOk(server, ['bake', `${name}-${index}`, ...place]);
      await runWhen(server, `${name}-${index}`, 'provisioning', ({ phase }) => phase === 'provisioning');
    }
  };
  /** That each bake was completed, once, with every line once; that every write that was confirmed is there, and nothing else. */
  const nothingDoubledNothingLost = async (bakes: readonly string[], calls: Load): Promise<void> => {
    await calls.stop();
    await ready();
    for (const recipe of bakes) {
      const { phase, run_id: id } = await runEnded(one, recipe);
      expect([recipe, phase]).toEqual([recipe, 'completed']);
      expect(await runsOf(one, recipe)).toHaveLength(1);
      const said = (await logOf(one, id)).split(/^murmur: attempt .*\n/m).at(-1) ?? '';
      expect(said.split('\n').filter((line) => line.startsWith('line '))).toEqual(lines);
    }
    for (const server of servers()) {
      await eventually('every machine to be gone', async () => ((await machinesOf(server.dataDir)).length === 0 ? true : undefined));
      await eventually('every machine folder to be gone', async () =>
        (await machineFolders(server.dataDir)).length === 0 ? true : undefined,
      );
    }
    const connection = await connectToDatabase(one);
    const { rows: images } = await connection.pool.query('select recipe from artifacts where recipe = any ($1) order by recipe', [bakes]);
    const { rows: written } = await connection.pool.query<{ name: string; generation: number }>(
      `select name, generation from resources where kind = 'recipe' and name like 'load-%'`,
    );
    await connection.close();
    expect(images).toEqual(bakes.map((recipe) => ({ recipe })));
    const there = new Set(written.map((row) => row.name));
    expect(calls.confirmed.filter((recipe) => !there.has(recipe))).toEqual([]);
    expect(written.filter(({ generation }) => generation !== 1)).toEqual([]);
    expect(calls.confirmed.length).toBeGreaterThan(0);
  };

  it('does not let in a third one with a master key of its own', async () => {
    await expect(startServer({ databaseUrl: postgres.url })).rejects.toThrow(
      /FAILED_PRECONDITION: this database was encrypted with master key [0-9a-f]{16}, and \S+ (?:does not exist|holds)/,
    );
  });

  it('goes on in the same processes through sessions that are cut, a restart and a kill -9 of PostgreSQL', async () => {
    await bakeOn(servers(), 'cut');
    const pids = servers().map(({ pid }) => pid);
    const calls = load(servers());
    for (let round = 0; round < 20; round += 1) {
      await postgres.cutSessions();
      await delay(50);
    }
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      await postgres.end(signal);
      await eventually('the database to be missed', async () => ((await readiness(one)) === 503 ? true : undefined));
      await ready();
    }
    await nothingDoubledNothingLost(['cut-0', 'cut-1'], calls);
    expect([...calls.refusals].filter((refusal) => refusal !== away)).toEqual([]);
    expect(servers().map(({ pid }) => pid)).toEqual(pids);
    for (const index of servers().keys()) expect(await runEnded(one, `cut-${index}`)).toMatchObject({ attempt: 1 });
  });

  it('says soon that a database hangs, stops all the same, and goes on when it is back', async () => {
    await bakeOn([one], 'hung');
    const calls = load([one]);
    await postgres.hang();
    const asked = performance.now();
    expect(await readiness(one)).toBe(503);
    // Half of what a probe commonly waits.
    expect(performance.now() - asked).toBeLessThan(5000);
    expect(await callApi(one, 'ListResources', { kind: 'recipe' })).toMatchObject({ code: 'unavailable' });
    expect((await fetch(`${one.url}/healthz`)).status).toBe(200);
    expect(await Promise.race([two.stop(), delay(30_000, 'still stopping')])).toBe(0);
    await postgres.goOn();
    await two.start();
    await nothingDoubledNothingLost(['hung-0'], calls);
    expect([...calls.refusals].filter((refusal) => refusal !== away)).toEqual([]);
  });

  it.runIf(process.env['MURMUR_FULL'] === 'sweep').each([1, 2, 3])(
    'outlives everything at once: servers that sleep past a take-over and are killed, and every fault of the database (round %i)',
    { timeout: 900_000 },
    async (round) => {
      await bakeOn(servers(), `all-${round}`);
      const calls = load(servers());
      process.kill(one.pid, 'SIGSTOP');
      await postgres.cutSessions();
      await delay(40_000);
      await postgres.end('SIGKILL');
      process.kill(one.pid, 'SIGCONT');
      await ready();
      await two.kill();
      await postgres.hang();
      await delay(15_000);
      await postgres.goOn();
      await two.start();
      process.kill(two.pid, 'SIGSTOP');
      await postgres.end('SIGINT');
      await delay(40_000);
      process.kill(two.pid, 'SIGCONT');
      await postgres.cutSessions().catch(() => undefined);
      await nothingDoubledNothingLost([`all-${round}-0`, `all-${round}-1`], calls);
      expect([...calls.refusals].filter((refusal) => refusal !== away)).toEqual([]);
    },
  );
});

describe('a server whose own PostgreSQL hangs', () => {
  it('stops all the same, and leaves nothing of it running', async () => {
    const server = await startServer();
    const cluster = join(server.dataDir, 'postgres');
    for (const pid of await processesIn(cluster)) process.kill(pid, 'SIGSTOP');
    expect(await Promise.race([server.stop(), delay(30_000, 'still stopping')])).toBe(0);
    await eventually('its processes to be gone', async () => ((await processesIn(cluster)).length === 0 ? true : undefined));
    await server.start();
    expect(await readiness(server)).toBe(200);
    await server.remove();
  });
});
