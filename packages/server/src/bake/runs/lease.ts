import type { Selectable } from 'kysely';

import type { Database, Queryable, Tables } from '../../database/tables.js';

/** The right of one executor to act for one run. A take-over raises the epoch and so ends every older lease. */
export interface Lease {
  readonly runId: string;
  readonly executor: string;
  readonly epoch: number;
}

/** Who may write about a run: the holder of its lease, or, as long as it waits for room and nobody has it, whoever lets it wait. */
export type Holder = Omit<Lease, 'executor'> & { readonly executor: string | null };

/** Another executor has the run now. Whoever meets this must stop and touch nothing outside. */
export class RunLost extends Error {
  override readonly name = 'RunLost';

  constructor(runId: string) {
    super(`run ${runId} belongs to another executor now`);
  }
}

/**
 * Takes a live run that nobody holds, or that this executor was given. Undefined when it is another's, or was begun anew and
 * so has another workflow.
 */
export async function claimRun(
  database: Database,
  { begun, runId }: { readonly runId: string; readonly begun: number },
  executor: string,
): Promise<{ readonly lease: Lease; readonly run: Selectable<Tables['runs']> } | undefined> {
  const row = await database
    .updateTable('runs')
    .set({ executor })
    .where('id', '=', runId)
    .where('begun', '=', begun)
    .where('ended_at', 'is', null)
    .where((where) => where.or([where('executor', 'is', null), where('executor', '=', executor)]))
    .where((where) => where.or([where('host', 'is', null), where('host', '=', executor)]))
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : { lease: { runId, executor, epoch: row.epoch }, run: row };
}

/** Throws {@link RunLost} unless the lease still holds. Every act on the outside asks this first. */
export async function assertLease(queryable: Queryable, lease: Lease): Promise<void> {
  const row = await queryable
    .selectFrom('runs')
    .select('id')
    .where('id', '=', lease.runId)
    .where('executor', '=', lease.executor)
    .where('epoch', '=', lease.epoch)
    .where('ended_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw new RunLost(lease.runId);
}
