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
  /** Whether the operator lets the tenant place machines on the server's own host, where its loopback is in reach. */
  readonly usesHost: boolean;
}

/** On whose behalf something is looked up or written, and whose rights decide what can be found. */
export interface Reader {
  readonly tenant: string;
  readonly permits: Permits;
}

/** Permits for what the platform does on its own behalf. */
export const everything: Permits = { require: () => undefined, holds: () => true, namesFor: () => ['*'], usesHost: true };

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

/** Who reads in this context. */
export function readerOf({ identity, permits }: CatalogContext): Reader {
  return { tenant: identity.tenant, permits };
}

/** Runs the work in a transaction: the given one if it is one already, a new one otherwise. */
export async function inTransaction<T>(database: Queryable, work: (trx: DatabaseTransaction) => Promise<T>): Promise<T> {
  return isTransaction(database) ? work(database) : database.transaction().execute(work);
}

function isTransaction(database: Database | DatabaseTransaction): database is DatabaseTransaction {
  return database.isTransaction;
}
