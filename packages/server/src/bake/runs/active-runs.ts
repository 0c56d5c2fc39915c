import type { Database } from '../../database/tables.js';
import { type Lease, RunLost } from './lease.js';

/** Somebody asked for the bake to be cancelled. */
export class BakeCancelled extends Error {
  override readonly name = 'BakeCancelled';
}

/** This server stops; its bakes go on in the next one. */
export class ServerStopping extends Error {
  override readonly name = 'ServerStopping';
}

interface ActiveRun {
  readonly lease: Lease;
  readonly controller: AbortController;
}

/** The runs that this process works on, and what interrupts them. */
export interface ActiveRuns {
  /** Adds a run; the signal is aborted with the reason to stop. */
  add(lease: Lease): AbortSignal;
  remove(lease: Lease): void;
  has(runId: string): boolean;
  /** Looks which runs were cancelled or taken over, and interrupts those. */
  check(database: Database): Promise<void>;
  /** Interrupts all, for another process has them. */
  lose(): void;
  /** Interrupts all, for the server stops. */
  stop(): void;
}

/** An empty set of active runs. */
export function createActiveRuns(): ActiveRuns {
  const runs = new Map<string, ActiveRun>();
  return {
    add(lease) {
      const controller = new AbortController();
      runs.set(lease.runId, { lease, controller });
      return controller.signal;
    },
    remove(lease) {
      if (runs.get(lease.runId)?.lease === lease) runs.delete(lease.runId);
    },
    has: (runId) => runs.has(runId),
    async check(database) {
      if (runs.size === 0) return;
      const rows = await database
        .selectFrom('runs')
        .select(['id', 'epoch', 'executor', 'ended_at', 'cancel_requested_at'])
        .where('id', 'in', [...runs.keys()])
        .execute();
      for (const row of rows) {
        const active = runs.get(row.id);
        if (active === undefined) continue;
        const { controller, lease } = active;
        const lost = row.ended_at === null && (row.epoch !== lease.epoch || row.executor !== lease.executor);
        if (lost) controller.abort(new RunLost(row.id));
        else if (row.cancel_requested_at !== null) controller.abort(new BakeCancelled('the bake was cancelled'));
      }
    },
    lose() {
      for (const { controller, lease } of runs.values()) controller.abort(new RunLost(lease.runId));
    },
    stop() {
      for (const { controller } of runs.values()) controller.abort(new ServerStopping('the server stops'));
    },
  };
}
