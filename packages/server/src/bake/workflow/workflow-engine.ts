import { DBOS, Error as DbosErrors } from '@dbos-inc/dbos-sdk';
import type { Logger } from 'pino';

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
  readonly durable: Durable;
  /** The error with which a step of a run that was taken over leaves: nothing is recorded, the new holder decides. */
  letGo(runId: string): Error;
}

/** What the engine is made of. */
export interface EngineParts {
  readonly databaseUrl: string;
  readonly executorId: string;
  /** Names the workflow's shape; only executors of the same version resume each other's workflows. */
  readonly version: string;
  readonly log: Logger;
  workflow(runId: string): Promise<void>;
}

/** One engine per process: the library keeps its state in the module. */
export function createWorkflowEngine({ databaseUrl, executorId, log, version, workflow }: EngineParts): WorkflowEngine {
  let registered: ((runId: string) => Promise<void>) | undefined;
  return {
    async launch() {
      DBOS.setConfig({
        name: 'murmur',
        systemDatabaseUrl: databaseUrl,
        systemDatabasePoolSize: 5,
        // Setting it costs a query on each new connection, in a way that makes pg warn.
        systemDatabaseIdleTransactionTimeoutMs: 0,
        executorID: executorId,
        applicationVersion: version,
        tracingEnabled: false,
        logger: {
          // Its information is about itself.
          info: (entry) => log.debug(String(entry)),
          debug: (entry) => log.trace(String(entry)),
          warn: (entry) => log.warn(String(entry)),
          error: (entry, details) => log.error({ stack: details?.stack }, String(entry)),
        },
      });
      registered = DBOS.registerWorkflow(workflow, { name: 'bake', maxRecoveryAttempts: 1000 });
      await DBOS.launch();
    },
    async shutdown() {
      if (registered === undefined) return;
      registered = undefined;
      await DBOS.shutdown({ deregister: true });
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
    durable: (name, work) => DBOS.runStep(work, { name }),
    letGo: (runId) => new DbosErrors.DBOSWorkflowConflictError(runId),
  };
}
