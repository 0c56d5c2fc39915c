import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';

import type { Database, Tables } from './tables.js';

/** A pool of connections and the query builder that uses it. */
export interface Connection {
  readonly database: Database;
  readonly pool: pg.Pool;
  /** Ends every connection. Calling it again is harmless. */
  close(): Promise<void>;
}

/** How a pool is made. */
export interface ConnectOptions {
  /** The most connections held at once; 10 unless told. */
  readonly max?: number;
  /** Told of a connection that broke while nobody used it. The pool has already let go of it; the next query opens another. */
  readonly onIdleError?: (error: Error) => void;
}

/**
 * Opens a pool on the PostgreSQL at `url`. Nothing is sent before the first query.
 *
 * A `bigint` column is read as a number; a value beyond 2^53 is an error rather than a rounded number.
 */
export function connect(url: string, options: ConnectOptions = {}): Connection {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 10,
    application_name: 'murmur',
    types: { getTypeParser: parserOf },
  });
  // Without a listener, a connection lost while idle would end the process.
  pool.on('error', (error) => options.onIdleError?.(error));
  const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  let closed: Promise<void> | undefined;
  return { database, pool, close: () => (closed ??= end(database, pool)) };
}

async function end(database: Database, pool: pg.Pool): Promise<void> {
  await database.destroy();
  // Kysely ends the pool only when it was used through Kysely.
  if (!pool.ended) await pool.end();
}

function parserOf(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (oid === pg.types.builtins.INT8) return safeInteger;
  return pg.types.getTypeParser(oid, format === 'binary' ? 'text' : format) as (text: string) => unknown;
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} does not fit a JavaScript number`);
  return value;
}
