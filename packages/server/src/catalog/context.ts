import type { Database, DatabaseTransaction, Queryable } from '../database/tables.js';

/** The tenant that owns the builtins, which every tenant can read. */
export const PLATFORM_TENANT = 'murmur/platform';

/** On whose behalf, and where, the catalog is read and written. */
export interface CatalogContext {
  /** The database, or an open transaction that the caller commits. */
  readonly database: Queryable;
  readonly identity: { readonly tenant: string; readonly subject: string };
  /** The time written as creation and change; the system's clock unless given. */
  now?(): Date;
}

/** Runs the work in a transaction: the given one if it is one already, a new one otherwise. */
export async function inTransaction<T>(database: Queryable, work: (trx: DatabaseTransaction) => Promise<T>): Promise<T> {
  return isTransaction(database) ? work(database) : database.transaction().execute(work);
}

function isTransaction(database: Database | DatabaseTransaction): database is DatabaseTransaction {
  return database.isTransaction;
}
