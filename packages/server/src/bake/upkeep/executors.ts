import { sql } from 'kysely';

import type { Database, Queryable } from '../../database/tables.js';

/** An executor whose heartbeat is older than this is dead, and its runs are taken over. */
const deadAfterSeconds = 20;

/** Says that this executor lives. */
export async function beat(database: Database, executor: string): Promise<void> {
  await database
    .insertInto('executors')
    .values({ id: executor })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ heartbeat_at: sql<Date>`now()` }))
    .execute();
}

/** Says that this executor starts afresh: whatever belonged to the process before it has no owner now. */
export async function enroll(database: Database, executor: string): Promise<void> {
  await database
    .insertInto('executors')
    .values({ id: executor })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ started_at: sql<Date>`now()`, heartbeat_at: sql<Date>`now()` }))
    .execute();
}

/** The executors that live, by the database's clock. */
export async function liveExecutors(queryable: Queryable): Promise<ReadonlySet<string>> {
  const rows = await queryable
    .selectFrom('executors')
    .select('id')
    .where(sql<boolean>`heartbeat_at > now() - make_interval(secs => ${deadAfterSeconds})`)
    .execute();
  return new Set(rows.map((row) => row.id));
}
