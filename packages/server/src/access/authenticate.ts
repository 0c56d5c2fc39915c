import { MurmurError } from '@murmur/api';

import type { Database } from '../database/tables.js';
import type { Identity } from './identity.js';
import { matchesHash, parseToken } from './token.js';

// One answer for whatever is wrong with a token: which it is would help only somebody who tries out tokens.
const absent = Buffer.alloc(32);

/**
 * The identity behind an `Authorization: Bearer` header. The database is asked every time, so that a revoked key
 * is refused from the next call on.
 *
 * Throws UNAUTHENTICATED for a header or token that is missing, malformed, unknown, wrong, expired or revoked.
 */
export async function authenticate(database: Database, authorizationHeader: string | null): Promise<Identity> {
  const [, bearer] = /^bearer +(\S+) *$/i.exec(authorizationHeader ?? '') ?? [];
  const token = bearer === undefined ? undefined : parseToken(bearer);
  if (token === undefined) throw unauthenticated();
  const key = await database
    .selectFrom('api_keys')
    .select(['tenant', 'subject', 'operator', 'secret_hash'])
    .where('id', '=', token.id)
    .where('revoked_at', 'is', null)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', where.fn<Date>('now'))]))
    .executeTakeFirst();
  // Compared in any case, so that an unknown id takes as long as a wrong secret.
  const matches = matchesHash(token.secret, key?.secret_hash ?? absent);
  if (key === undefined || !matches) throw unauthenticated();
  return { tenant: key.tenant, subject: key.subject, keyId: token.id, operator: key.operator };
}

function unauthenticated(): MurmurError {
  return new MurmurError('UNAUTHENTICATED', 'identity token is missing or expired', {
    hint: 'Run `murmur auth` or check your `murmur.local.yaml` configuration.',
  });
}
