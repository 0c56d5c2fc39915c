import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { connect } from './pool.js';
import { testDatabase, type TestDatabase } from './testing.js';
import { claimRun } from '../bake/runs/lease.js';
import { retryOutages } from './retry.js';
import { insertRun } from '../bake/runs/testing-runs.js';

const log = pino({ level: 'silent' });

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  await db.database.insertInto('tenants').values({ id: 'local/default' }).execute();
});
afterAll(() => db.close());

test('a run is claimed once the database is back', async () => {
  const runId = await insertRun(db.database, 'local/default', { executor: null });
  const away = connect('postgresql://127.0.0.1:1/nothing');
  let tries = 0;
  const claim = () => claimRun(++tries < 3 ? away.database : db.database, { runId, begun: 1 }, 'e');
  const claimed = await retryOutages({ log, pauseMs: 1 }, claim);
  await away.close();
  expect(claimed?.lease).toEqual({ runId, executor: 'e', epoch: 0 });
  expect(tries).toBe(3);
});

test('what is wrong for another reason is not repeated', async () => {
  let tries = 0;
  const work = () => Promise.reject(new Error(`wrong ${++tries}`));
  await expect(retryOutages({ log, pauseMs: 1 }, work)).rejects.toThrow('wrong 1');
});

test('an outage may last for any number of tries, until nobody waits any more', async () => {
  const away = connect('postgresql://127.0.0.1:1/nothing');
  const outage: unknown = await away.pool.query('select 1').catch((error: unknown) => error);
  await away.close();
  let tries = 0;
  const work = () => (++tries < 1000 ? Promise.reject(outage as Error) : Promise.resolve('done'));
  expect(await retryOutages({ log, pauseMs: 0 }, work)).toBe('done');
  await expect(retryOutages({ log, pauseMs: 0, over: () => true }, () => Promise.reject(outage as Error))).rejects.toBe(outage);
});
