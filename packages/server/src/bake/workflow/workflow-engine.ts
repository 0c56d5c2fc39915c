import { DBOS, type DBOSConfig, Error as DbosErrors } from '@dbos-inc/dbos-sdk';
import { ensureSystemDatabase } from '@dbos-inc/dbos-sdk/internal/system_database';
import { GlobalLogger } from '@dbos-inc/dbos-sdk/internal/telemetry/logs';
import { dbRetryConfig } from '@dbos-inc/dbos-sdk/internal/utils';
import type pg from 'pg';
import type { Logger } from 'pino';

import { unhurried, usualLimits } from '../../database/client.js';
import type { Connection } from '../../database/pool.js';
import type { Durable, DurablePause } from './bake.js';
import { type Beginning, workflowIdOf } from './beginning.js';

/** Whether a workflow was begun under this version's steps, which alone can go on with it, or under others. */
export type Shape = 'ours' | 'other';

/** How the workflow of a run stands. */
export type WorkflowStanding =
  | { readonly kind: 'absent' }
  /** Being run by a process, which may have died. */
  | { readonly kind: 'held'; readonly instance: string; readonly shape: Shape }
  /** Waits to be taken: by this process, or by none or another. */
  | { readonly kind: 'waiting'; readonly here: boolean; readonly shape: Shape }
  | { readonly kind: 'ended' };

/** Durable workflows, one per beginning of a run. The only file that knows the library behind them. */
export interface WorkflowEngine {
  /** Connects. What an earlier process was running goes on once {@link resume} is told so. */
  launch(): Promise<void>;
  shutdown(): Promise<void>;
  /** Starts a run's workflow; a second start of the same beginning is the first one. */
  start(beginning: Beginning): Promise<void>;
  /** Lets this process, and no other, go on with a workflow whose process died. */
  resume(beginning: Beginning): Promise<void>;
  standing(beginning: Beginning): Promise<WorkflowStanding>;
  /** Removes what is recorded of the workflows, which have ended or are of earlier beginnings, of runs that have ended. */
  forget(runs: readonly Pick<Beginning, 'runId' | 'begun'>[]): Promise<void>;
  readonly durable: Durable;
  readonly pause: DurablePause;
  /** The error with which a step of a run that was taken over leaves: nothing is recorded, the new holder decides. */
  letGo(runId: string): Error;
}

/** What the engine is made of. */
export interface EngineParts {
  readonly connection: Pick<Connection, 'openPool'>;
  readonly hostId: string;
  /** This process. */
  readonly instance: string;
  /** Names the workflow's shape; only processes of the same version resume each other's workflows. */
  readonly version: string;
  readonly log: Logger;
  workflow(beginning: Beginning): Promise<void>;
}

/** Brings the library's own tables up to date. Servers must not do it at the same time. */
export async function migrateWorkflows(connection: Pick<Connection, 'openPool'>, log: Logger): Promise<void> {
  const pool = connection.openPool({ name: 'murmur migrations', max: 1, limits: unhurried });
  try {
    await ensureSystemDatabase('', new GlobalLogger(undefined, { logger: loggerOf(log) }), pool);
  } finally {
    await pool.end();
  }
}

function loggerOf(log: Logger): NonNullable<DBOSConfig['logger']> {
  return {
    // Its information is about itself.
    info: (entry) => log.debug(String(entry)),
    debug: (entry) => log.trace(String(entry)),
    warn: (entry) => log.warn(String(entry)),
    error: (entry, details) => log.error({ stack: details?.stack }, String(entry)),
  };
}

/** What the library is called with. Workflows of the release before were given the run's id alone. */
type Arguments = [runId: string, beginning?: { readonly begun: number; readonly firstAttempt: number }];

/** One engine per process: the library keeps its state in the module. */
export function createWorkflowEngine({ connection, hostId, instance, log, version, workflow }: EngineParts): WorkflowEngine {
  let registered: ((...args: Arguments) => Promise<void>) | undefined;
  let pool: pg.Pool | undefined;
  // The library's own queue is everybody's, and a run whose machine is here can go on nowhere else.
  const queueName = `host-${hostId}`;
  return {
    async launch() {
      // A bake that the database has kept waiting goes on soon after it is back.
      dbRetryConfig.maxBackoffSec = 5;
      // Without a limit on statements: DBOS gives up what the server cancels, and repeats what a connection lost.
      const { statementMs: _, ...limits } = usualLimits;
      pool = connection.openPool({ name: 'murmur workflows', max: 5, limits });
      DBOS.setConfig({
        name: 'murmur',
        systemDatabasePool: pool,
        // One that no process had before: the library would put what it had on everybody's queue.
        executorID: instance,
        applicationVersion: version,
        listenQueues: [queueName],
        tracingEnabled: false,
        // Servers that start together take turns at it, before.
        runMigrations: false,
        logger: loggerOf(log),
      });
      const run = (...[runId, { begun, firstAttempt } = { begun: 1, firstAttempt: 1 }]: Arguments) =>
        workflow({ runId, begun, firstAttempt });
      registered = DBOS.registerWorkflow(run, { name: 'bake', maxRecoveryAttempts: Number.MAX_SAFE_INTEGER });
      await DBOS.launch();
      await DBOS.registerQueue(queueName);
    },
    async shutdown() {
      if (registered === undefined) return;
      registered = undefined;
      await DBOS.shutdown({ deregister: true });
      await pool?.end();
    },
    async start(beginning) {
      if (registered === undefined) throw new Error('the workflow engine is not running');
      const { begun, firstAttempt, runId } = beginning;
      await DBOS.startWorkflow(registered, { workflowID: workflowIdOf(beginning) })(runId, { begun, firstAttempt });
    },
    async resume(beginning) {
      await DBOS.resumeWorkflow(workflowIdOf(beginning), { queueName });
    },
    async standing(beginning) {
      const status = await DBOS.getWorkflowStatus(workflowIdOf(beginning));
      if (status === null) return { kind: 'absent' };
      const shape = status.applicationVersion === version ? 'ours' : 'other';
      if (status.status === 'PENDING') return { kind: 'held', instance: status.executorId ?? '', shape };
      if (status.status === 'ENQUEUED' || status.status === 'DELAYED')
        return { kind: 'waiting', here: status.queueName === queueName, shape };
      return { kind: 'ended' };
    },
    async forget(runs) {
      await DBOS.deleteWorkflows(
        runs.flatMap(({ begun, runId }) => Array.from({ length: begun }, (_, index) => workflowIdOf({ runId, begun: index + 1 }))),
      );
    },
    durable: (name, work) => DBOS.runStep(work, { name }),
    pause: (ms) => DBOS.sleep(ms),
    letGo: (runId) => new DbosErrors.DBOSWorkflowConflictError(runId),
  };
}
