import type { Database, DatabaseTransaction, Queryable } from '../database/tables.js';
import type { TenantKeys } from '../secrets/tenant-keys.js';

/** The tenant that owns the builtins, which every tenant can read. */
export const PLATFORM_TENANT = 'murmur/platform';

/** What the caller may do, as far as the catalog has to ask. A permission is `{kind}.{verb}`. */
export interface Permits {
  /** Throws PERMISSION_DENIED unless the caller holds the permission for a resource of this name. */
  require(permission: string, name: string): void;
  holds(permission: string, name: string): boolean;
  /** For which names the caller holds it, as patterns in which `*` stands for any characters; `['*']` for all, `[]` for none. */
  namesFor(permission: string): readonly string[];
}

/** Permits for what the platform does on its own behalf. */
export const everything: Permits = { require: () => undefined, holds: () => true, namesFor: () => ['*'] };

/** On whose behalf, and where, the catalog is read and written. */
export interface CatalogContext {
  /** The database, or an open transaction that the caller commits. */
  readonly database: Queryable;
  readonly identity: { readonly tenant: string; readonly subject: string };
  readonly permits: Permits;
  /** Seal the values of secrets. */
  readonly tenantKeys: TenantKeys;
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
