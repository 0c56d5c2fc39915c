import { DBOS, type DBOSConfig, Error as DbosErrors } from '@dbos-inc/dbos-sdk';
import { ensureSystemDatabase } from '@dbos-inc/dbos-sdk/internal/system_database';
import { GlobalLogger } from '@dbos-inc/dbos-sdk/internal/telemetry/logs';
import { dbRetryConfig } from '@dbos-inc/dbos-sdk/internal/utils';
import type pg from 'pg';
import type { Logger } from 'pino';

import { unhurried, usualLimits } from '../../database/client.js';
import type { Connection } from '../../database/pool.js';
import type { Durable } from './bake.js';

/** How a run's workflow stands. */
export type WorkflowStanding =
  | { readonly kind: 'absent' }
  /** Being run, or to be resumed, by this executor. */
  | { readonly kind: 'held'; readonly executor: string }
  /** Waits for any executor to take it. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ended' };

/** Durable workflows, one per run. The only file that knows the library behind them. */
export interface WorkflowEngine {
  /** Connects, and resumes what this executor was running when it stopped. */
  launch(): Promise<void>;
  shutdown(): Promise<void>;
  /** Starts a run's workflow; a second start of the same run is the first one. */
  start(runId: string): Promise<void>;
  /** Lets any live executor go on with a workflow whose executor died. */
  resume(runId: string): Promise<void>;
  standing(runId: string): Promise<WorkflowStanding>;
  /** Removes what is recorded of workflows that have ended. */
  forget(runIds: readonly string[]): Promise<void>;
  readonly durable: Durable;
  /** The error with which a step of a run that was taken over leaves: nothing is recorded, the new holder decides. */
  letGo(runId: string): Error;
}

/** What the engine is made of. */
export interface EngineParts {
  readonly connection: Pick<Connection, 'openPool'>;
  readonly executorId: string;
  /** Names the workflow's shape; only executors of the same version resume each other's workflows. */
  readonly version: string;
  readonly log: Logger;
  workflow(runId: string): Promise<void>;
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

/** One engine per process: the library keeps its state in the module. */
export function createWorkflowEngine({ connection, executorId, log, version, workflow }: EngineParts): WorkflowEngine {
  let registered: ((runId: string) => Promise<void>) | undefined;
  let pool: pg.Pool | undefined;
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
        executorID: executorId,
        applicationVersion: version,
        tracingEnabled: false,
        // Servers that start together take turns at it, before.
        runMigrations: false,
        logger: loggerOf(log),
      });
      registered = DBOS.registerWorkflow(workflow, { name: 'bake', maxRecoveryAttempts: Number.MAX_SAFE_INTEGER });
      await DBOS.launch();
    },
    async shutdown() {
      if (registered === undefined) return;
      registered = undefined;
      await DBOS.shutdown({ deregister: true });
      await pool?.end();
    },
    async start(runId) {
      if (registered === undefined) throw new Error('the workflow engine is not running');
      await DBOS.startWorkflow(registered, { workflowID: runId })(runId);
    },
    async resume(runId) {
      await DBOS.resumeWorkflow(runId);
    },
    async standing(runId) {
      const status = await DBOS.getWorkflowStatus(runId);
      if (status === null) return { kind: 'absent' };
      if (status.status === 'PENDING') return { kind: 'held', executor: status.executorId ?? '' };
      if (status.status === 'ENQUEUED' || status.status === 'DELAYED') return { kind: 'waiting' };
      return { kind: 'ended' };
    },
    async forget(runIds) {
      await DBOS.deleteWorkflows([...runIds]);
    },
    durable: (name, work) => DBOS.runStep(work, { name }),
    letGo: (runId) => new DbosErrors.DBOSWorkflowConflictError(runId),
  };
}
