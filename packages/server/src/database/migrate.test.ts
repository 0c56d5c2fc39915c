import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { migrate } from './migrate.js';
import { connect } from './pool.js';
import { type TestDatabase, testDatabase } from './testing.js';

describe('migrate', () => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await testDatabase();
  });
  afterEach(() => db.close());

  test('a migrated database needs nothing more', async () => {
    const applied = 'select name, applied_at from schema_migrations';
    const before = await db.pool.query<{ name: string }>(applied);
    await migrate(db);
    const after = await db.pool.query<{ name: string }>(applied);
    expect(after.rows).toEqual(before.rows);
    expect(after.rows.map((row) => row.name)).toContain('0001-first');
  });

  test('servers that migrate at the same time take turns', async () => {
    await db.pool.query('drop schema public cascade; create schema public');
    const servers = Array.from({ length: 4 }, () => connect(db.url));
    await Promise.all(servers.map((server) => migrate(server)));
    await Promise.all(servers.map((server) => server.close()));
    expect(await db.database.selectFrom('tenants').selectAll().execute()).toEqual([]);
  });

  test('a database that a newer Murmur has migrated is refused', async () => {
    await db.pool.query(`insert into schema_migrations (name, checksum) values ('9999-future', 'x')`);
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: 'the database was migrated by a newer Murmur (9999-future)',
    });
  });

  test('a migration edited after it was applied is noticed', async () => {
    await db.pool.query(`update schema_migrations set checksum = 'x' where name = '0001-first'`);
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: 'migration 0001-first differs from the one this database was made with',
    });
  });

  test('a refused migration leaves nothing behind', async () => {
    await db.pool.query(`insert into schema_migrations (name, checksum) values ('9999-future', 'x')`);
    await expect(migrate(db)).rejects.toThrow('newer Murmur');
    await db.pool.query(`delete from schema_migrations where name = '9999-future'`);
    await migrate(db);
  });
});
