import { create } from '@bufbuild/protobuf';
import { type CancelBakeResponse, CancelBakeResponseSchema, MurmurError } from '@murmur/api';
import { sql } from 'kysely';

import type { Database } from '../../database/tables.js';
import { notifyRun } from './runs.js';
import { bakeOf, findRun } from './views.js';

/** Asks for a running bake to be cancelled; whichever server runs it notices at once. Throws FAILED_PRECONDITION for one that has ended. */
export async function cancelBake(database: Database, tenant: string, idOrPrefix: string): Promise<CancelBakeResponse> {
  const { id } = await findRun(database, tenant, idOrPrefix);
  const asked = await database.transaction().execute(async (trx) => {
    const row = await trx
      .updateTable('runs')
      .set({ cancel_requested_at: sql<Date>`coalesce(cancel_requested_at, now())` })
      .where('id', '=', id)
      .where('ended_at', 'is', null)
      .returningAll()
      .executeTakeFirst();
    if (row !== undefined) await notifyRun(trx, id);
    return row;
  });
  if (asked === undefined) {
    const { phase } = await findRun(database, tenant, id);
    throw new MurmurError('FAILED_PRECONDITION', `bake "${id}" has ended already: ${phase}`);
  }
  return create(CancelBakeResponseSchema, { bake: await bakeOf(database, asked) });
}
