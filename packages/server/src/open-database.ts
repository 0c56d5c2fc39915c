import { MurmurError } from '@murmur/api';
import type { Logger } from 'pino';

import { migrateWorkflows } from './bake/workflow/workflow-engine.js';
import { startEmbeddedPostgres } from './database/embedded.js';
import { migrate } from './database/migrate.js';
import { connect, type Connection } from './database/pool.js';
import { inTurn } from './database/turn.js';

/** A database that answers has answered everything by then; one that hangs must not hold up a server that stops. */
const cutAfterMs = 2500;
/** What a part may take to stop, before it is left to itself. */
const longestStopMs = 7000;

/** Ends what was started, in reverse order. */
export type Closers = (() => Promise<unknown>)[];

/** Starts the data directory's own PostgreSQL and returns its URL. */
export async function startOwnPostgres(dataDir: string, log: Logger, closers: Closers): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDir, log });
  closers.push(() => postgres.stop(longestStopMs - 1000));
  return postgres.url;
}

/**
 * Connects to a database and brings it up to date. Whatever waits for it when the server has been stopping for a while waits no
 * longer. Throws INVALID_ARGUMENT or FAILED_PRECONDITION, without the URL's password.
 */
export async function openDatabase(url: string, log: Logger, closers: Closers, stopping?: AbortSignal): Promise<Connection> {
  const hint = 'Write --database-url like postgres://user@host/database, and see that it answers.';
  // Anything else would be taken for the name of a host.
  if (!/^postgres(?:ql)?:\/\//.test(url)) throw new MurmurError('INVALID_ARGUMENT', '--database-url is not a PostgreSQL URL', { hint });
  const connection = connect(url, { onLost: (err) => log.warn({ err }, 'a connection to the database was lost') });
  closers.push(connection.close);
  whenAborted(stopping, () => setTimeout(connection.cut, cutAfterMs).unref());
  try {
    await inTurn(connection, log, async () => {
      await migrate(connection);
      await migrateWorkflows(connection, log);
    });
  } catch (cause) {
    if (cause instanceof MurmurError || !(cause instanceof Error)) throw cause;
    throw new MurmurError('FAILED_PRECONDITION', `cannot use the database: ${cause.message}`, { cause, hint });
  }
  return connection;
}

/** Ends everything, also when a part does not end cleanly or not at all. */
export async function closeAll(closers: Closers, log: Logger): Promise<void> {
  for (const close of closers.reverse()) {
    await Promise.race([close(), tooLong()]).catch((cause: unknown) => log.error({ err: cause }, 'a part did not stop cleanly'));
  }
}

function tooLong(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`it did not stop within ${longestStopMs / 1000} s`)), longestStopMs).unref();
  });
}

function whenAborted(signal: AbortSignal | undefined, work: () => void): void {
  if (signal?.aborted === true) work();
  else signal?.addEventListener('abort', work, { once: true });
}
