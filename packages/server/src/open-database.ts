import { MurmurError } from '@murmur/api';
import type { Logger } from 'pino';

import { startEmbeddedPostgres } from './database/embedded.js';
import { migrate } from './database/migrate.js';
import { connect, type Connection } from './database/pool.js';

/** Ends what was started, in reverse order. */
export type Closers = (() => Promise<unknown>)[];

/** Starts the data directory's own PostgreSQL and returns its URL. */
export async function startOwnPostgres(dataDir: string, log: Logger, closers: Closers): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDir, log });
  closers.push(() => postgres.stop());
  return postgres.url;
}

/** Connects to a database and brings it up to date. Throws INVALID_ARGUMENT or FAILED_PRECONDITION, without the URL's password. */
export async function openDatabase(url: string, log: Logger, closers: Closers): Promise<Connection> {
  const hint = 'Write --database-url like postgres://user@host/database, and see that it answers.';
  // Anything else would be taken for the name of a host.
  if (!/^postgres(?:ql)?:\/\//.test(url)) throw new MurmurError('INVALID_ARGUMENT', '--database-url is not a PostgreSQL URL', { hint });
  const connection = connect(url, { onLost: (err) => log.warn({ err }, 'a connection to the database was lost') });
  closers.push(connection.close);
  try {
    await migrate(connection.pool);
  } catch (cause) {
    if (cause instanceof MurmurError || !(cause instanceof Error)) throw cause;
    throw new MurmurError('FAILED_PRECONDITION', `cannot use the database: ${cause.message}`, { cause, hint });
  }
  return connection;
}

/** Ends everything, also when a part does not end cleanly. */
export async function closeAll(closers: Closers, log: Logger): Promise<void> {
  for (const close of closers.reverse()) {
    await close().catch((cause: unknown) => log.error({ err: cause }, 'a part did not stop cleanly'));
  }
}
