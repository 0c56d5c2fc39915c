import { sql } from 'kysely';

import type { Queryable } from '../database/tables.js';

/** One key of a chain of keys, each made with the next. */
export interface KeyLink {
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
export async function readKeyChain(database: Queryable, id: string): Promise<KeyLink[]> {
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
