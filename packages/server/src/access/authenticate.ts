import { type MurmurError, refusal } from '@murmur/api';

import { signInErrors } from './errors.js';
import type { Database } from '../database/tables.js';
import type { Identity } from './identity.js';
import { type Issuers, noIssuers } from './oidc.js';
import { readKeyChain } from './key-chain.js';
import { matchesHash, parseToken, type Token } from './token.js';

// One answer for whatever is wrong with a token: which it is would help only somebody who tries out tokens.
const absent = Buffer.alloc(32);

/**
 * The identity behind an `Authorization: Bearer` header: an API key, or an identity token of a configured issuer. The
 * database is asked every time, so that a revoked key is refused from the next call on.
 *
 * Throws UNAUTHENTICATED for a header or token that is missing, malformed, unknown, wrong, expired or revoked, or whose maker's is, and
 * UNAVAILABLE for a token whose issuer does not answer.
 */
export async function authenticate(
  database: Database,
  authorizationHeader: string | null,
  issuers: Issuers = noIssuers,
): Promise<Identity> {
  const [, bearer] = /^bearer +(\S+) *$/i.exec(authorizationHeader ?? '') ?? [];
  if (bearer === undefined) throw unauthenticated();
  const key = parseToken(bearer);
  const identity = key === undefined ? await ofIssuer(database, bearer, issuers) : await ofKey(database, key);
  if (identity === undefined) throw unauthenticated();
  return identity;
}

async function ofKey(database: Database, token: Token): Promise<Identity | undefined> {
  const chain = await readKeyChain(database, token.id);
  const [key] = chain;
  // Compared in any case, so that an unknown id takes as long as a wrong secret.
  const matches = matchesHash(token.secret, key?.secret_hash ?? absent);
  if (key === undefined || !matches) return undefined;
  // A key ends with any of those that it comes from: revoked, expired, or no longer there.
  if (chain.some(({ live }) => !live) || chain.at(-1)?.parent_key !== null) return undefined;
  const { tenant, subject, operator } = key;
  const makers = chain.flatMap(({ maker }, at) => (maker === null ? [] : [{ subject: maker, operator: chain[at + 1]?.operator === true }]));
  const ends = chain.flatMap(({ expires_at: at, lasts_ms: lastsMs }) => (at === null || lastsMs === null ? [] : [{ at, lastsMs }]));
  const [end] = ends.toSorted((one, other) => one.lastsMs - other.lastsMs);
  return {
    tenant,
    subject,
    keyId: token.id,
    operator,
    ...(makers.length === 0 ? {} : { makers }),
    ...(end === undefined ? {} : { end }),
  };
}

async function ofIssuer(database: Database, bearer: string, issuers: Issuers): Promise<Identity | undefined> {
  // Three parts with two dots between them: everything else is no token of an issuer.
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(bearer) ? issuers.identify(database, bearer) : undefined;
}

/** What is told to a caller whom nothing identifies, or nothing any more. */
export function unauthenticated(): MurmurError {
  return refusal(signInErrors.unauthenticated, []);
}
