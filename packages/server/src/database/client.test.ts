import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { isDatabaseOutage } from './outage.js';
import { connect } from './pool.js';
import { openTestProxy } from './testing-proxy.js';
import { type TestDatabase, testDatabase } from './testing.js';

/** Short limits, so that a test of a database that hangs ends soon. */
const impatient = { connectMs: 1000, statementMs: 500, answerMs: 800, idleTransactionMs: 500 };

describe('a connection to the database', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
    await db.pool.query('create table marks (n integer)');
  });
  afterAll(() => db.close());

  const terminateOthers = () =>
    db.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = $1', [
      'murmur victim',
    ]);
  test('that is lost in whatever state is an outage to who uses it, and never the end of the process', async () => {
    const connection = connect(`${db.url}&application_name=murmur%20victim`);
    let done = false;
    const outcomes: boolean[] = [];
    const work = async (use: () => Promise<unknown>): Promise<void> => {
      while (!done) {
        const outage = await use().then(
          () => undefined,
          (error: unknown) => isDatabaseOutage(error),
        );
        if (outage !== undefined) outcomes.push(outage);
      }
    };
    const working = [
      // In the middle of a query, of a transaction, and lent out without being asked anything.
      work(() => connection.pool.query('select pg_sleep(1)')),
      work(() => connection.database.transaction().execute((trx) => trx.selectFrom('tenants').selectAll().execute())),
      work(() =>
        connection.database.transaction().execute(async (trx) => {
          await trx.selectFrom('tenants').selectAll().execute();
          await new Promise((resolve) => setTimeout(resolve, 5));
          await trx.selectFrom('tenants').selectAll().execute();
        }),
      ),
      work(async () => {
        const client = await connection.pool.connect();
        await new Promise((resolve) => setTimeout(resolve, 10));
        client.release();
      }),
    ];
    for (let round = 0; round < 30; round += 1) {
      await terminateOthers();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await expect.poll(() => outcomes.length, { timeout: 20_000 }).toBeGreaterThan(10);
    done = true;
    await terminateOthers();
    await Promise.all(working);
    expect(outcomes.filter((outage) => !outage)).toEqual([]);
    expect((await connection.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await connection.close();
  });

  test('that gets no answer is given up, and the next one does not get that answer', async () => {
    await using proxy = await openTestProxy(db.url);
    const connection = connect(proxy.url, { max: 1, limits: impatient });
    await connection.pool.query('select 1');
    proxy.hang();
    const error: unknown = await connection.pool.query('select 2 as two').catch((thrown: unknown) => thrown);
    expect(isDatabaseOutage(error)).toBe(true);
    const unmade: unknown = await connection.pool.query('select 3 as three').catch((thrown: unknown) => thrown);
    expect(isDatabaseOutage(unmade)).toBe(true);
    proxy.goOn();
    expect((await connection.pool.query('select 4 as four')).rows).toEqual([{ four: 4 }]);
    await connection.close();
  });

  test('that gets no answer in a transaction hides neither the outage nor a half of the work', async () => {
    await using proxy = await openTestProxy(db.url);
    const connection = connect(proxy.url, { max: 1, limits: impatient });
    const error: unknown = await connection.database
      .transaction()
      .execute(async (trx) => {
        await trx.insertInto('tenants').values({ id: 'local/half' }).execute();
        proxy.hang();
        await trx.insertInto('tenants').values({ id: 'local/other-half' }).execute();
      })
      .catch((thrown: unknown) => thrown);
    expect(isDatabaseOutage(error)).toBe(true);
    proxy.goOn();
    expect(await db.database.selectFrom('tenants').select('id').where('id', 'like', 'local/%half').execute()).toEqual([]);
    await connection.close();
  });

  test('whose holder falls asleep in a transaction does not hold up the others', async () => {
    const sleeper = connect(db.url, { limits: impatient });
    const client = await sleeper.pool.connect();
    await client.query('begin');
    await client.query('lock table marks');
    await expect
      .poll(() =>
        db.pool.query('insert into marks values (1)').then(
          () => 'done',
          () => 'held up',
        ),
      )
      .toBe('done');
    const error: unknown = await client.query('commit').catch((thrown: unknown) => thrown);
    expect(isDatabaseOutage(error)).toBe(true);
    client.release();
    await sleeper.close();
  });

  test('that is cut lets go of whoever waits, and no other is made', async () => {
    await using proxy = await openTestProxy(db.url);
    const connection = connect(proxy.url, { max: 1 });
    await connection.pool.query('select 1');
    proxy.hang();
    const waiting = Promise.allSettled([connection.pool.query('select 2'), connection.pool.query('select 3')]);
    connection.cut();
    const outcomes = await waiting;
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && isDatabaseOutage(outcome.reason))).toEqual([true, true]);
    await connection.close();
  });
});
