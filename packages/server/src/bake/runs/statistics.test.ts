import { afterAll, beforeAll, expect, test } from 'vitest';

import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { bakeStatistics } from './statistics.js';
import { insertRun } from './testing-runs.js';

const tenant = 'local/default';
const dayMs = 86_400_000;
/** Taken once: a test may run over midnight. */
const started = Date.now();

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  await db.database
    .insertInto('tenants')
    .values([{ id: tenant }, { id: 'local/other' }])
    .execute();
  const add = async (daysAgo: number, phase: string, seconds: number, recipe = 'tools', owner = tenant): Promise<void> => {
    const id = await insertRun(db.database, owner, { phase, recipe });
    const created = new Date(started - daysAgo * dayMs);
    await db.database
      .updateTable('runs')
      .set({ created_at: created, ended_at: phase === 'queued' ? null : new Date(created.getTime() + seconds * 1000) })
      .where('id', '=', id)
      .execute();
  };
  await add(0, 'completed', 10);
  await add(0, 'completed', 30, 'other');
  await add(0, 'failed', 500);
  await add(0, 'queued', 0);
  await add(2, 'cancelled', 1);
  await add(40, 'completed', 1);
  await add(0, 'completed', 1, 'tools', 'local/other');
  const ask = async (action: string, name: string, code: string, made: string): Promise<void> => {
    const { id } = await db.database
      .insertInto('audit_entries')
      .values({ tenant, actor: 'ada', key_id: '', action, kind: 'recipe', name, allowed: true })
      .returning('id')
      .executeTakeFirstOrThrow();
    await db.database
      .insertInto('audit_outcomes')
      .values({ entry: id, code, made_kind: made === '' ? '' : 'bake', made_name: made })
      .execute();
  };
  await ask('StartBake', 'tools', 'OK', '');
  await ask('StartBake', 'tools', 'OK', 'some-run');
  await ask('StartBake', 'tools', 'NOT_FOUND', '');
  await ask('SetResource', 'tools', 'OK', '');
});
afterAll(() => db.close());

const statistics = async (request: { days?: number; recipe?: string } = {}, recipes: readonly string[] = ['*']) =>
  (await bakeStatistics(db.database, { tenant, recipes }, { days: 0, recipe: '', ...request })).days;

/** The day so many before the one on which this began. */
const on = (days: Awaited<ReturnType<typeof statistics>>, ago: number) =>
  days.find(({ date }) => date === new Date(started - ago * dayMs).toISOString().slice(0, 10));

test('each day counts the bakes that were started on it by how they ended, and those that needed none', async () => {
  const days = await statistics();
  expect(days).toHaveLength(14);
  expect(on(days, 0)).toMatchObject({
    completed: 2,
    failed: 1,
    cancelled: 0,
    live: 1,
    answered: 1,
    medianSeconds: 20,
  });
  expect(on(days, 2)).toMatchObject({ completed: 0, cancelled: 1, answered: 0, medianSeconds: 0 });
  expect(days[0]).toMatchObject({ completed: 0, failed: 0, cancelled: 0, live: 0 });
});

test('they are of one recipe, or of those that the caller may list', async () => {
  expect(on(await statistics({ recipe: 'other' }), 0)).toMatchObject({ completed: 1, answered: 0, medianSeconds: 30 });
  expect(on(await statistics({}, ['tool*']), 0)).toMatchObject({ completed: 1, failed: 1, answered: 1 });
  expect(on(await statistics({}, []), 0)).toMatchObject({ completed: 0, failed: 0, answered: 0 });
  expect(await statistics({ recipe: 'a\0' })).toEqual([]);
});

test('they reach 90 days back', async () => {
  expect(on(await statistics({ days: 90 }), 40)).toMatchObject({ completed: 1 });
  for (const days of [-1, 91]) await expect(statistics({ days })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
