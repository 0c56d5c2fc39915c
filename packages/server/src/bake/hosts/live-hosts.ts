import { sql } from 'kysely';

import type { Queryable } from '../../database/tables.js';

/** A host that was not seen for this long is away: its leases end, and what any host can do is taken over. */
export const awayAfterSeconds = 20;

/** The hosts whose servers live, by the database's clock. */
export async function liveHosts(queryable: Queryable): Promise<ReadonlySet<string>> {
  return new Set((await liveRows(queryable)).map(({ id }) => id));
}

/** The processes that are these servers now. */
export async function liveInstances(queryable: Queryable): Promise<ReadonlySet<string>> {
  return new Set((await liveRows(queryable)).flatMap(({ instance }) => instance ?? []));
}

async function liveRows(queryable: Queryable): Promise<readonly { id: string; instance: string | null }[]> {
  return queryable
    .selectFrom('hosts')
    .select(['id', 'instance'])
    .where(sql<boolean>`seen_at > now() - make_interval(secs => ${awayAfterSeconds})`)
    .execute();
}
