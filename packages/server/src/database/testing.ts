import { randomBytes } from 'node:crypto';

import { sql } from 'kysely';
import pg from 'pg';
import { inject } from 'vitest';

import { migrate } from './migrate.js';
import { connect, type Connection } from './pool.js';
import type { Database, Queryable } from './tables.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The administrative database of this run's PostgreSQL server. */
    postgresUrl: string;
  }
}

/** The database that every test database is a copy of: migrated, and empty. */
export const templateName = 'murmur_template';

/** A database of one test's own. */
export interface TestDatabase extends Connection {
  readonly url: string;
  /** Ends the connections and drops the database. */
  close(): Promise<void>;
}

/** Makes a migrated, empty database on the PostgreSQL server that vitest's global setup has started. */
export function testDatabase(): Promise<TestDatabase> {
  return createDatabase(`template ${templateName}`);
}

/** As {@link testDatabase}, but sorting as people of some language do, and not by bytes. */
export async function testDatabaseOfALanguage(): Promise<TestDatabase> {
  const db = await createDatabase(`template template0 locale_provider icu icu_locale 'de-DE'`);
  await migrate(db);
  return db;
}

/** How many rows of a table some work has read, whether it took an index to find them or not. */
export async function rowsRead(database: Database, table: string, work: (trx: Queryable) => Promise<unknown>): Promise<number> {
  return database.transaction().execute(async (trx) => {
    const count = async (): Promise<number> => {
      const { rows } = await sql<{ read: number }>`
        select seq_tup_read + idx_tup_fetch as read from pg_stat_xact_user_tables where relname = ${table}`.execute(trx);
      return rows[0]?.read ?? 0;
    };
    // It also counts what this session did before and has not handed in yet.
    const before = await count();
    await work(trx);
    return (await count()) - before;
  });
}

async function createDatabase(as: string): Promise<TestDatabase> {
  const administrative = inject('postgresUrl');
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(administrative, `create database ${name} ${as}`);
  const url = databaseUrl(administrative, name);
  const connection = connect(url);
  return {
    ...connection,
    url,
    close: async () => {
      await connection.close();
      // By force, since a server under test may have been killed and left sessions behind.
      await administer(administrative, `drop database if exists ${name} with (force)`);
    },
  };
}

/** Runs one statement outside any test database. */
export async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The same server's address with another database. */
export function databaseUrl(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}
