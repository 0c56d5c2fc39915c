import { MurmurError } from '@murmur/api';

import type { Queryable } from '../database/tables.js';
import { hashSecret, newToken, printToken } from './token.js';

/** What a new key is for. */
export interface ApiKeyRequest {
  readonly tenant: string;
  /** The user or service profile it speaks for. */
  readonly subject: string;
  /** `operator` keys may also use what acts on the server itself. */
  readonly reach: 'tenant' | 'operator';
  /** From this moment on it is refused. Without it the key lasts until it is revoked. */
  readonly expiresAt?: Date;
}

/** A key that was just made. */
export interface NewApiKey {
  readonly id: string;
  /** The whole token. It is shown this once; the database keeps a hash of its secret. */
  readonly token: string;
}

/** Makes a key for a tenant that exists. */
export async function createApiKey(database: Queryable, request: ApiKeyRequest): Promise<NewApiKey> {
  const token = newToken();
  await database
    .insertInto('api_keys')
    .values({
      id: token.id,
      tenant: request.tenant,
      subject: request.subject,
      operator: request.reach === 'operator',
      secret_hash: hashSecret(token.secret),
      expires_at: request.expiresAt ?? null,
    })
    .execute();
  return { id: token.id, token: printToken(token) };
}

/** Makes a tenant's key worthless from now on. Revoking it again changes nothing; a key the tenant does not have is NOT_FOUND. */
export async function revokeApiKey(database: Queryable, tenant: string, id: string): Promise<void> {
  const result = await database
    .updateTable('api_keys')
    .set((set) => ({ revoked_at: set.fn.coalesce('revoked_at', set.fn<Date>('now')) }))
    .where('tenant', '=', tenant)
    .where('id', '=', id)
    .executeTakeFirst();
  if (result.numUpdatedRows === 0n) throw new MurmurError('NOT_FOUND', `API key "${id}" not found`);
}
