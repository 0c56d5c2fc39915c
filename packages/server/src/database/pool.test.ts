import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { connect } from './pool.js';
import { type TestDatabase, testDatabase } from './testing.js';

describe('connect', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
  });
  afterAll(() => db.close());

  test('a bigint is read as a number', async () => {
    await db.database.insertInto('tenants').values({ id: 'local/default' }).execute();
    const count = await db.database
      .selectFrom('tenants')
      .select((expression) => expression.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    expect(count.count).toBe(1);
  });

  test('a bigint that a number cannot hold is an error, not a rounded number', async () => {
    await expect(db.pool.query('select 9007199254740993::bigint')).rejects.toThrow('does not fit');
  });

  test('a connection that is lost while idle is replaced', async () => {
    const lost: Error[] = [];
    const other = connect(db.url, { max: 1, onLost: (error) => lost.push(error) });
    const first = await other.pool.query<{ pid: number }>('select pg_backend_pid() as pid');
    await db.pool.query('select pg_terminate_backend($1)', [first.rows[0]?.pid]);
    await expect.poll(() => lost.length).toBeGreaterThan(0);
    const second = await other.pool.query('select 1 as one');
    expect(second.rows).toEqual([{ one: 1 }]);
    await other.close();
  });

  test('closing twice is harmless', async () => {
    const other = connect(db.url);
    await other.pool.query('select 1');
    await Promise.all([other.close(), other.close()]);
    expect(other.pool.ended).toBe(true);
  });
});
