import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { goesAway, startTestBakery } from '../testing.js';
import { claimRoom } from '../room/claims.js';
import { testRoom } from '../room/testing.js';
import { readLog } from '../runs/logs.js';
import { enterStep, leaveStep, type Phase } from '../runs/runs.js';
import { insertRun } from '../runs/testing-runs.js';
import { tellWaits } from './tell-waits.js';

const tenant = 'local/default';
const log = pino({ level: 'silent' });

describe('what a run says of its wait', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
    await db.database.insertInto('tenants').values({ id: tenant }).execute();
    await db.database.insertInto('hosts').values({ id: 'far', name: 'far-away' }).execute();
    await db.database.insertInto('host_room').values({ host: 'h', memory_mb: 0, vcpus: 0, tenant_machines: null }).execute();
    await goesAway(db.database, 'far');
  });
  afterAll(() => db.close());

  /** The run's log after a look of host `h` for which it is always long ago. */
  async function told(runId: string, notes: Record<string, string> = {}): Promise<string> {
    await tellWaits({ database: db.database, hostId: 'h', notes: new Map(Object.entries(notes)), log }, 0);
    return (await readLog(db.database, runId, 0)).text.replaceAll(/\d+s so far/g, 'N so far');
  }

  async function at(step: string, phase: Phase): Promise<string> {
    const runId = await insertRun(db.database, tenant, { executor: 'h' });
    await enterStep(db.database, { runId, executor: 'h', epoch: 0 }, { name: step, phase, attempt: 1 });
    return runId;
  }

  test.each([
    ['launch', 'launching', 'its machine to be started'],
    ['wait-ready', 'launching', 'its machine to boot'],
    ['clean', 'capturing', "its machine's disk to be cleaned"],
    ['capture', 'capturing', "the image of its machine's disk"],
    ['release', 'registering', 'its machine to be removed'],
    ['undo', 'launching', 'what the attempt made to be removed'],
  ] as const)('at %s (%s) it waits for %s', async (step, phase, awaited) => {
    expect(await told(await at(step, phase))).toBe(`murmur: waiting for ${awaited}, N so far\n`);
  });

  test('a script that prints nothing is no wait, but a machine out of reach is', async () => {
    const runId = await at('provision', 'provisioning');
    expect(await told(runId)).toBe('');
    expect(await told(runId, { [runId]: 'its machine, which is out of reach: the host is full' })).toBe(
      'murmur: waiting for its machine, which is out of reach: the host is full, N so far\n',
    );
  });

  test('after an attempt was undone it waits for the next', async () => {
    const runId = await at('undo', 'launching');
    await leaveStep(db.database, { runId, executor: 'h', epoch: 0 }, { name: 'undo', attempt: 1 });
    expect(await told(runId)).toBe('murmur: waiting for the next attempt, N so far\n');
  });

  test('in the queue it says how many are ahead', async () => {
    const runId = await insertRun(db.database, tenant, { executor: null, host: 'h' });
    await db.database
      .transaction()
      .execute((trx) => claimRoom(trx, { id: runId, kind: 'bake', tenant, host: 'h', size: { memoryMb: 1024, vcpus: 1 } }));
    expect(await told(runId)).toBe('murmur: queued: next, once there is room for 1 GiB of memory and 1 vCPU on the host, N so far\n');
  });

  test('while its host is away any server says so', async () => {
    const runId = await insertRun(db.database, tenant, { executor: null, host: 'far' });
    expect(await told(runId)).toBe('murmur: waiting for host far-away, which does not answer, N so far\n');
  });

  test('what another server works on is for that one to say', async () => {
    expect(await told(await insertRun(db.database, tenant, { executor: 'other' }))).toBe('');
  });

  test('a run whose log or step is new is not spoken of', async () => {
    const runId = await at('wait-ready', 'launching');
    await tellWaits({ database: db.database, hostId: 'h', notes: new Map(), log });
    expect((await readLog(db.database, runId, 0)).text).toBe('');
  });
});

test('a bake that waits for disk space says so every minute until it is cancelled', { timeout: 180_000 }, async () => {
  let short = false;
  const disk = { shortage: async () => (short ? 'too little' : undefined), require: () => Promise.resolve() };
  await using kitchen = await startTestBakery(testRoom({ disk }), { reach: 'own host' });
  const { database } = kitchen.db;
  await kitchen.setRecipe('patient', { script: '#!/bin/sh\ntrue\n' });
  short = true;
  const { runId } = await kitchen.bake('patient');
  const said = (text: RegExp) =>
    vi.waitFor(async () => expect((await readLog(database, runId, 0)).text).toMatch(text), { timeout: 60_000, interval: 200 });
  /** Lets a minute pass, for the log and for the run. */
  const minutePasses = async () => {
    const back = sql<Date>`now() - interval '1 minute'`;
    await database.updateTable('runs').set({ created_at: back }).where('id', '=', runId).execute();
    await database.updateTable('run_log').set({ at: back }).where('run_id', '=', runId).execute();
  };

  await said(/^murmur: queued: next, once there is enough free disk space on the server's host again\n/);
  await minutePasses();
  await said(/^murmur: queued: [^\n]*, 1m\d+s so far\n/m);

  await kitchen.bakery.cancel(kitchen.caller, kitchen.cancelRequest(runId));
});
