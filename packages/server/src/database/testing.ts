import { randomBytes } from 'node:crypto';

import pg from 'pg';
import { inject } from 'vitest';

import { connect, type Connection } from './pool.js';

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
export async function testDatabase(): Promise<TestDatabase> {
  const administrative = inject('postgresUrl');
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(administrative, `create database ${name} template ${templateName}`);
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
