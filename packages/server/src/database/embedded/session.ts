import pg from 'pg';

import { postgresUrl } from './url.js';

/** How a server answered an attempt to open a session. */
export type Answer = 'ready' | 'starting or stopping' | 'no server';

/** Asks the server behind a socket whether it serves this cluster and takes sessions. */
export async function ask(socketDir: string, cluster: string): Promise<Answer> {
  try {
    const folder = await inSession(socketDir, 'postgres', async (client) => {
      const { rows } = await client.query<{ folder: string }>(`select current_setting('data_directory') as folder`);
      return rows[0]?.folder;
    });
    return folder === cluster ? 'ready' : 'no server';
  } catch (error) {
    // "The database system is starting up", or shutting down, or recovering.
    if (error instanceof pg.DatabaseError && error.code === '57P03') return 'starting or stopping';
    if (error instanceof Error) return 'no server';
    throw error;
  }
}

/** Creates the database `murmur` unless it is there. */
export async function ensureDatabase(socketDir: string): Promise<void> {
  await inSession(socketDir, 'postgres', async (client) => {
    const { rowCount } = await client.query(`select from pg_database where datname = 'murmur'`);
    if (rowCount === 0) await client.query('create database murmur');
  });
}

async function inSession<T>(socketDir: string, database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: postgresUrl(socketDir, database),
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  // A connection that breaks between two queries is reported by the next query.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}
