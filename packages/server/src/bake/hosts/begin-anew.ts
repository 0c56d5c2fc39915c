import { sql } from 'kysely';

import type { DatabaseTransaction } from '../../database/tables.js';
import { remark } from '../runs/logs.js';
import { notifyRun } from '../runs/runs.js';

/**
 * Breaks a live run off where it is and lets it begin anew, on fresh machines and without having spent an attempt. Whoever
 * acts for it finds its lease ended. What it made so far goes with the new beginning, or when its host is back.
 */
export async function beginAnew(trx: DatabaseTransaction, runId: string, why: string): Promise<void> {
  const begun = await trx
    .updateTable('runs')
    .set({
      executor: null,
      epoch: sql<number>`epoch + 1`,
      begun: sql<number>`begun + 1`,
      attempt: sql<number>`attempt + 1`,
      first_attempt: sql<number>`attempt + 1`,
      guest_offset: 0,
      phase: 'queued',
    })
    .where('id', '=', runId)
    .where('ended_at', 'is', null)
    .returning('epoch')
    .executeTakeFirst();
  if (begun === undefined) return;
  await remark(trx, { runId, executor: null, epoch: begun.epoch }, `${why}; the bake begins anew`);
  await notifyRun(trx, runId);
}
