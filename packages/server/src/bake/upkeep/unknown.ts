import { sql } from 'kysely';

import type { Database } from '../../database/tables.js';
import type { Token } from '../../substrates/substrate.js';

/** A thing whose run nobody knows may belong to a database that is only just being restored: it gets this long. */
const graceMinutes = 15;

/** What was not seen for this long is gone, or known by now. It is longer than the time between two looks at a quiet site. */
const forgottenAfterHours = 24;

/**
 * Whether a thing of an unknown run has been here for long enough to be nobody's. Counted from when it was first seen, by the
 * database's clock: when it was made is written by others' clocks.
 */
export async function isUnknownForLong(database: Database, token: Token): Promise<boolean> {
  const row = await database
    .insertInto('unknown_things')
    .values({ token })
    .onConflict((conflict) => conflict.column('token').doUpdateSet({ seen_at: sql<Date>`now()` }))
    .returning(sql<boolean>`first_seen_at <= now() - make_interval(mins => ${graceMinutes})`.as('is_over'))
    .executeTakeFirstOrThrow();
  return row.is_over;
}

/** Forgets what has not been seen for long: should it come back, it is new. */
export async function forgetUnknown(database: Database): Promise<void> {
  await database
    .deleteFrom('unknown_things')
    .where('seen_at', '<', sql<Date>`now() - make_interval(hours => ${forgottenAfterHours})`)
    .execute();
}
