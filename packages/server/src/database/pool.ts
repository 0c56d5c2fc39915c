import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';

import { clientClass, type ConnectionLines, type DatabaseLimits, usualLimits } from './client.js';
import type { Database, Tables } from './tables.js';

/** A pool of connections and the query builder that uses it; and whatever else this process opens to that database. */
export interface Connection {
  readonly database: Database;
  readonly pool: pg.Pool;
  /** A pool for a library's own use. Whoever takes it ends it. */
  openPool(options: PoolOptions): pg.Pool;
  /** One connection that is not connected yet. Whoever takes it ends it. */
  openClient(options: ClientOptions): pg.Client;
  /** Breaks every connection at once, whoever uses it, and lets none be made any more: a database that hangs must not hold a server up that stops. */
  cut(): void;
  /** Ends every connection of the pool. Calling it again is harmless. */
  close(): Promise<void>;
}

/** What a connection is called in PostgreSQL's list of sessions, and its limits. */
export interface ClientOptions {
  readonly name: string;
  readonly limits?: Partial<DatabaseLimits>;
}

/** How a library's pool is made. */
export interface PoolOptions extends ClientOptions {
  readonly max: number;
}

/** How a connection is made. */
export interface ConnectOptions {
  /** The most connections held at once; 10 unless told. */
  readonly max?: number;
  /** Told of each connection that broke. Nothing more is to be done about it; the next query opens another. */
  readonly onLost?: (error: Error) => void;
  readonly limits?: Partial<DatabaseLimits>;
}

/** Under load a query waits for a free connection; one that waits this long waits for a database that hangs. */
const freeConnectionMs = 20_000;

/**
 * Opens a pool on the PostgreSQL at `url`. Nothing is sent before the first query.
 *
 * A `bigint` column is read as a number; a value beyond 2^53 is an error rather than a rounded number.
 */
export function connect(url: string, options: ConnectOptions = {}): Connection {
  const lines: ConnectionLines = { onLost: options.onLost ?? (() => undefined), open: new Set(), cut: false };
  const configOf = (name: string) => ({ connectionString: url, application_name: name });
  const poolOf = ({ limits = usualLimits, max, name }: PoolOptions, config: pg.PoolConfig = {}): pg.Pool => {
    const Client = clientClass(lines, limits);
    const pool = new pg.Pool({ ...configOf(name), connectionTimeoutMillis: freeConnectionMs, max, Client, ...config });
    // A connection lost while idle has been heard of already, and the pool has let go of it.
    pool.on('error', () => undefined);
    return pool;
  };
  const { limits = usualLimits, max = 10 } = options;
  const pool = poolOf({ name: 'murmur', max, limits }, { types: { getTypeParser: parserOf } });
  const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  let closed: Promise<void> | undefined;
  return {
    database,
    pool,
    openPool: (pooled) => poolOf(pooled),
    openClient: (client) => new (clientClass(lines, client.limits ?? usualLimits))(configOf(client.name)),
    cut() {
      lines.cut = true;
      for (const client of lines.open) client.connection.stream.destroy();
    },
    close: () => (closed ??= end(database, pool)),
  };
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
