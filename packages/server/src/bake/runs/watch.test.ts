import { setTimeout as delay } from 'node:timers/promises';

import { create } from '@bufbuild/protobuf';
import { type BakeStanding, WatchBakesRequestSchema, type WatchBakesResponse } from '@murmur/api';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { type Changes, listenForChanges } from './changes.js';
import { appendLog } from './logs.js';
import { endRun, enterStep } from './runs.js';
import { insertRun } from './testing-runs.js';
import { watchRuns } from './watch.js';

const tenant = 'local/default';

let db: TestDatabase;
let changes: Changes;
beforeAll(async () => {
  db = await testDatabase();
  await db.database
    .insertInto('tenants')
    .values([{ id: tenant }, { id: 'local/other' }])
    .execute();
  changes = listenForChanges(db, pino({ level: 'silent' }));
});
beforeEach(() => db.database.deleteFrom('runs').execute());
afterAll(async () => {
  await changes.close();
  await db.close();
});

function watch(request: Parameters<typeof create<typeof WatchBakesRequestSchema>>[1] = {}, recipes: readonly string[] = ['*']) {
  const over = new AbortController();
  const wanted = create(WatchBakesRequestSchema, { follow: true, ...request });
  const messages = watchRuns({ database: db.database, changes }, { tenant, recipes }, wanted, over.signal);
  return {
    over,
    async next(): Promise<readonly BakeStanding[]> {
      const result = await messages.next();
      if (result.done === true) throw new Error('the watch has ended');
      return result.value.bakes;
    },
    messages,
  };
}

const idsOf = (standings: readonly BakeStanding[]) => standings.map(({ bake }) => bake?.runId);

test('the first message has every live bake of the tenant, newest first, and nothing else', async () => {
  await insertRun(db.database, tenant, { id: 'first' });
  await insertRun(db.database, tenant, { id: 'ended', phase: 'failed', ended_at: new Date() });
  await insertRun(db.database, 'local/other', { id: 'foreign' });
  await insertRun(db.database, tenant, { id: 'second' });
  const { next, over } = watch();
  expect(idsOf(await next())).toEqual(['second', 'first']);
  over.abort();
});

test('without following there is one message', async () => {
  const messages: WatchBakesResponse[] = [];
  for await (const message of watch({ follow: false }).messages) messages.push(message);
  expect(messages.map(({ bakes }) => bakes)).toEqual([[]]);
});

test('a bake is told of when it begins, moves on, says something and ends, and only then', async () => {
  const { next, over } = watch();
  expect(await next()).toEqual([]);
  const runId = await insertRun(db.database, tenant);
  const lease = { runId, executor: 'e', epoch: 0 };
  await sql`select pg_notify('murmur_runs', ${runId})`.execute(db.database);
  expect(await next()).toMatchObject([{ bake: { runId, phase: 'queued' }, lastLine: '' }]);
  await enterStep(db.database, lease, { name: 'launch', phase: 'launching', attempt: 1 });
  const [moved] = await next();
  expect(moved).toMatchObject({ bake: { phase: 'launching' } });
  expect(moved?.startTime).toBeDefined();
  await appendLog(db.database, lease, 'one\n\u001b[32mtwo\u001b[0m\n\n');
  expect(await next()).toMatchObject([{ lastLine: 'two' }]);
  await db.database.transaction().execute((trx) => endRun(trx, lease, { phase: 'failed', error: 'it broke' }));
  expect(await next()).toMatchObject([{ bake: { runId, phase: 'failed', error: 'it broke' } }]);
  const more = next().catch(() => 'ended');
  expect(await Promise.race([more, delay(2500, 'nothing')])).toBe('nothing');
  over.abort();
  expect(await more).toBe('ended');
});

test('only recipes that the caller may list are told of, and of them what was asked for', async () => {
  await insertRun(db.database, tenant, { id: 'tools-run', recipe: 'team-tools' });
  await insertRun(db.database, tenant, { id: 'other-run', recipe: 'other' });
  const one = watch({ follow: false }, ['team-*']);
  expect(idsOf(await one.next())).toEqual(['tools-run']);
  const none = watch({ follow: false, recipe: 'other' }, ['team-*']);
  expect(await none.next()).toEqual([]);
  expect(await watch({ follow: false, recipe: 'a\0' }).next()).toEqual([]);
});

test('a bake says how long the ones before it took', async () => {
  for (const seconds of [10, 20, 60]) {
    const id = await insertRun(db.database, tenant, { phase: 'completed', ended_at: new Date(2026, 0, 1, 0, 0, seconds) });
    await db.database
      .insertInto('run_steps')
      .values({ run_id: id, attempt: 1, step: 'launch', started_at: new Date(2026, 0, 1) })
      .execute();
  }
  await insertRun(db.database, tenant, { id: 'now' });
  expect(await watch({ follow: false }).next()).toMatchObject([{ bake: { runId: 'now' }, usualSeconds: 20 }]);
});
