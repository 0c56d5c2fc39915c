import { create } from '@bufbuild/protobuf';
import { type CancelBakeResponse, CancelBakeResponseSchema, refusal } from '@murmur/api';
import { sql } from 'kysely';

import { bakeErrors } from '../errors.js';
import type { Database } from '../../database/tables.js';
import { leaveQueue } from '../room/claims.js';
import { findRun } from './identify-run.js';
import { remark } from './logs.js';
import { endRun, notifyRun, readRun } from './runs.js';
import { bakeOf } from './views.js';

/**
 * Asks for a running bake to be cancelled; whichever server runs it notices at once. One that still waits for room ends here.
 * Throws NOT_FOUND, and FAILED_PRECONDITION for one that has ended.
 */
export async function cancelBake(database: Database, tenant: string, id: string): Promise<CancelBakeResponse> {
  const asked = await database.transaction().execute(async (trx) => {
    const row = await trx
      .updateTable('runs')
      .set({ cancel_requested_at: sql<Date>`coalesce(cancel_requested_at, now())` })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('ended_at', 'is', null)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) return undefined;
    if (!(await leaveQueue(trx, id))) {
      await notifyRun(trx, id);
      return row;
    }
    // Nothing was made for it yet, so nobody has to be asked.
    const holder = { runId: id, executor: row.executor, epoch: row.epoch };
    await remark(trx, holder, 'the bake was cancelled');
    await endRun(trx, holder, { phase: 'cancelled' });
    return readRun(trx, id);
  });
  if (asked === undefined) {
    const { phase } = await findRun(database, tenant, id);
    throw refusal(bakeErrors.runEnded, [id, phase]);
  }
  return create(CancelBakeResponseSchema, { bake: await bakeOf(database, asked) });
}
