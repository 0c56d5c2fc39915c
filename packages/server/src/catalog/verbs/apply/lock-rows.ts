import { sql } from 'kysely';

import type { DatabaseTransaction } from '../../../database/tables.js';
import type { Entry } from './read-batch.js';

/** Kinds that refer to others come first, then the others by name: the order in which every writer and every bake takes rows. */
const referrers = ['tenant-binding', 'service-profile', 'workspace', 'recipe'];

/**
 * Keeps all that is about to change from being referred to, removed or changed by others, in one order for everyone, so that
 * two who need several rows never wait for each other.
 */
export async function lockRows(trx: DatabaseTransaction, tenant: string, entries: readonly Entry[]): Promise<void> {
  const ranks = entries.map(({ kind }) => {
    const rank = referrers.indexOf(kind.name);
    return rank === -1 ? referrers.length : rank;
  });
  const kinds = entries.map(({ address }) => address.kind);
  const names = entries.map(({ address }) => address.name);
  await sql`
    select from resources
    join unnest(${ranks}::int[], ${kinds}::text[], ${names}::text[]) as wanted (rank, kind, name) using (kind, name)
    where tenant = ${tenant}
    order by wanted.rank, wanted.kind, wanted.name collate "C"
    for update of resources`.execute(trx);
}
