import { sql } from 'kysely';

import type { Queryable } from './tables.js';

/** What time it is by the database's clock, the one that all servers share and every deadline goes by. */
export async function databaseNow(database: Queryable): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select now()`.execute(database);
  const [row] = rows;
  if (row === undefined) throw new Error('the database does not say what time it is');
  return row.now;
}
