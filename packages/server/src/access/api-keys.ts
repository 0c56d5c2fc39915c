import { type MurmurError, refusal } from '@murmur/api';
import { type Selectable, sql } from 'kysely';

import { accessErrors } from './errors.js';
import type { Queryable, Tables } from '../database/tables.js';
import { hashSecret, newToken, printToken } from './token.js';

/** What a new key is for. */
export interface ApiKeyRequest {
  readonly tenant: string;
  /** The user or service profile it speaks for. */
  readonly subject: string;
  /** `operator` keys may also use what acts on the server itself. */
  readonly reach: 'tenant' | 'operator';
  /** So many milliseconds from now on it is refused, by the database's clock. Without it the key lasts until it is revoked. */
  readonly lastsMs?: number;
  readonly description?: string;
  /** Who makes it. */
  readonly author?: string;
  /** For a key that is good for no more, and no longer, than its maker: who that is, and the key they make it with, if one. */
  readonly bound?: { readonly maker: string; readonly parentKey: string | null };
}

/** A key as the database has it, without its hash. */
export type ApiKeyRow = Omit<Selectable<Tables['api_keys']>, 'secret_hash' | 'maker' | 'parent_key'>;

/** A key that was just made. */
export interface NewApiKey {
  readonly id: string;
  /** The whole token. It is shown this once; the database keeps a hash of its secret. */
  readonly token: string;
  readonly row: ApiKeyRow;
}

/** What is read of a key: all but its hash. */
export const apiKeyColumns = [
  'id',
  'tenant',
  'subject',
  'operator',
  'created_at',
  'expires_at',
  'revoked_at',
  'description',
  'author',
] as const satisfies readonly (keyof ApiKeyRow)[];

/** Makes a key for a tenant that exists. */
export async function createApiKey(database: Queryable, request: ApiKeyRequest): Promise<NewApiKey> {
  const token = newToken();
  const row = await database
    .insertInto('api_keys')
    .values({
      id: token.id,
      tenant: request.tenant,
      subject: request.subject,
      operator: request.reach === 'operator',
      secret_hash: hashSecret(token.secret),
      expires_at: request.lastsMs === undefined ? null : sql<Date>`now() + make_interval(secs => ${request.lastsMs / 1000})`,
      description: request.description ?? '',
      author: request.author ?? '',
      maker: request.bound?.maker ?? null,
      parent_key: request.bound?.parentKey ?? null,
    })
    .returning(apiKeyColumns)
    .executeTakeFirstOrThrow();
  return { id: token.id, token: printToken(token), row };
}

/** The tenant's key of this id. Throws NOT_FOUND. */
export async function findApiKey(database: Queryable, tenant: string, id: string): Promise<ApiKeyRow> {
  // The database cannot be asked for everything a caller may write here.
  const row = /^[a-z0-9]+$/.test(id)
    ? await database.selectFrom('api_keys').select(apiKeyColumns).where('tenant', '=', tenant).where('id', '=', id).executeTakeFirst()
    : undefined;
  if (row === undefined) throw apiKeyNotFound(id);
  return row;
}

/** Makes a tenant's key worthless from now on. Revoking it again changes nothing; a key the tenant does not have is NOT_FOUND. */
export async function revokeApiKey(database: Queryable, tenant: string, id: string): Promise<ApiKeyRow> {
  const row = await database
    .updateTable('api_keys')
    .set((set) => ({ revoked_at: set.fn.coalesce('revoked_at', set.fn<Date>('now')) }))
    .where('tenant', '=', tenant)
    .where('id', '=', id)
    .returning(apiKeyColumns)
    .executeTakeFirst();
  if (row === undefined) throw apiKeyNotFound(id);
  return row;
}

/** Makes all keys of a subject worthless from now on. */
export async function revokeKeysOf(database: Queryable, tenant: string, subject: string): Promise<void> {
  await database
    .updateTable('api_keys')
    .set((set) => ({ revoked_at: set.fn<Date>('now') }))
    .where('tenant', '=', tenant)
    .where('subject', '=', subject)
    .where('revoked_at', 'is', null)
    .execute();
}

/** NOT_FOUND for a key that does not exist, is another tenant's, or that the caller must not learn of. */
export function apiKeyNotFound(id: string): MurmurError {
  return refusal(accessErrors.keyAbsent, [id]);
}
