import { type MurmurError, refusal } from '@murmur/api';
import { sql } from 'kysely';

import { signInErrors } from './errors.js';
import type { Database, Queryable } from '../database/tables.js';
import type { Identity } from './identity.js';
import { type Issuers, noIssuers } from './oidc.js';
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

/** One key of a chain of keys, each made with the next. */
interface KeyLink {
  readonly tenant: string;
  readonly subject: string;
  readonly operator: boolean;
  readonly secret_hash: Buffer;
  readonly expires_at: Date | null;
  /** How long until then, by the database's clock. */
  readonly lasts_ms: number | null;
  /** Neither revoked nor expired. */
  readonly live: boolean;
  /** Who made it for another; null for a key that is its holder's own. */
  readonly maker: string | null;
  /** The key it was made with; null where that binds it to none. */
  readonly parent_key: string | null;
}

/** Longer than any chain that a person makes. One that is longer is not followed to its end, and its key is refused. */
const longestChain = 16;

/** The key of this id, the key it was made with, and so on; empty when there is no such key. */
async function readKeyChain(database: Queryable, id: string): Promise<KeyLink[]> {
  const { rows } = await sql<KeyLink>`
    with recursive chain as (
      select api_keys.*, 1 as depth from api_keys where id = ${id}
      union all
      select made_with.*, chain.depth + 1 from chain
      join api_keys as made_with on made_with.id = chain.parent_key and made_with.tenant = chain.tenant
      where chain.depth < ${longestChain}
    )
    select tenant, subject, operator, secret_hash, expires_at, maker, parent_key,
      extract(epoch from expires_at - now())::float8 * 1000 as lasts_ms,
      revoked_at is null and (expires_at is null or expires_at > now()) as live
    from chain order by depth`.execute(database);
  return rows;
}

async function ofIssuer(database: Database, bearer: string, issuers: Issuers): Promise<Identity | undefined> {
  // Three parts with two dots between them: everything else is no token of an issuer.
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(bearer) ? issuers.identify(database, bearer) : undefined;
}

/** What is told to a caller whom nothing identifies, or nothing any more. */
export function unauthenticated(): MurmurError {
  return refusal(signInErrors.unauthenticated, []);
}
