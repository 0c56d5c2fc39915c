import { formatDuration, MurmurError } from '@murmur/api';
import type { Logger } from 'pino';

import { isDatabaseOutage } from '../../database/outage.js';
import { retryOutages } from '../../database/retry.js';
import type { Database } from '../../database/tables.js';
import type { TenantKeys } from '../../secrets/tenant-keys.js';
import { deriveGuestKeys } from '../../substrates/guest-keys.js';
import { EndedByGuest, PlatformFault, type Substrate, type SubstrateName } from '../../substrates/substrate.js';
import { BakeCancelled, ServerStopping } from '../runs/active-runs.js';
import { countedAttempt } from './beginning.js';
import { type Aftermath, bakeSteps, mostAttempts, type Setback, type StepOutcome, type Worker } from './bake.js';
import { discardThing } from '../images/discard.js';
import { secretOf } from '../images/rights.js';
import type { HostRoom } from '../room/limits.js';
import { openBefore, settle } from '../runs/intents.js';
import { assertLease, type Lease, RunLost } from '../runs/lease.js';
import { remark } from '../runs/logs.js';
import { keptSite } from '../runs/sites.js';
import { endRun, enterStep, inputsOf, leaveStep, type Phase, readRun } from '../runs/runs.js';
import { BakeFailure, type BakeState, type BakeStep, type StepContext } from './step.js';

/** What a worker needs of the server. */
export interface WorkerParts {
  readonly database: Database;
  readonly tenantKeys: TenantKeys;
  readonly substrates: ReadonlyMap<SubstrateName, Substrate>;
  readonly installation: string;
  readonly room: HostRoom;
  readonly log: Logger;
  /** What this process's runs wait for just now; by the run. */
  readonly notes: Map<string, string>;
  /** Which beginning of the run this is. */
  readonly begun: number;
  /** The error with which a step leaves whose run another executor has. */
  letGo(runId: string): Error;
}

/** The worker of one run, acting under one lease until the signal says stop. */
export function createWorker(parts: WorkerParts, lease: Lease, signal: AbortSignal): Worker {
  const log = parts.log.child({ run: lease.runId });

  /** Repeats work while the database is away, and leaves without a trace when the run or the server is no longer ours. */
  const retrying = async <T>(work: () => Promise<T>, failed: (error: unknown) => T): Promise<T> => {
    const over = () => signal.reason instanceof ServerStopping || signal.reason instanceof RunLost;
    try {
      return await retryOutages({ log, over }, work);
    } catch (error) {
      if (signal.reason instanceof ServerStopping) return await new Promise<never>(() => undefined);
      if (error instanceof RunLost || signal.reason instanceof RunLost) throw parts.letGo(lease.runId);
      return failed(error);
    }
  };

  const enter = async (step: { name: string; phase: Phase }, attempt: number, stepSignal: AbortSignal): Promise<StepContext> => {
    const { run, watchedMs } = await enterStep(parts.database, lease, { ...step, attempt });
    const substrate = parts.substrates.get(run.substrate as SubstrateName);
    if (substrate === undefined) throw new BakeFailure(`substrate SUBSTRATE_${run.substrate} is not available on this server`);
    const tenantKey = await parts.tenantKeys.of(run.tenant);
    const inputs = inputsOf(run);
    return {
      run,
      inputs,
      // A run whose host is gone was begun on that one's disk, and goes on here.
      site: keptSite(substrate, substrate.local ? undefined : inputs.site),
      attempt,
      watchedMs,
      lease,
      owner: { installation: parts.installation, tenant: run.tenant, runId: run.id },
      database: parts.database,
      substrate,
      room: parts.room,
      tenantKey,
      keys: deriveGuestKeys(tenantKey.derive(`guest keys of run ${run.id} attempt ${attempt}`, 64)),
      secret: (name) => secretOf(parts, run.tenant, name),
      signal: stepSignal,
      log,
      note(awaited) {
        if (awaited === undefined) parts.notes.delete(run.id);
        else parts.notes.set(run.id, awaited);
      },
    };
  };

  return {
    clear: (firstAttempt) =>
      retrying(
        async () => {
          await clearBefore(firstAttempt);
          return null;
        },
        (error) => {
          log.error({ err: error }, 'what an earlier beginning left was not removed completely; the reaper will do it');
          return null;
        },
      ),

    perform: (step, state, attempt) =>
      retrying(
        () => performStep(step, state, attempt),
        (error) => outcomeOf(error, step),
      ),

    release: (state, attempt, setback, aftermath) =>
      retrying(
        async () => {
          // A cancelled bake is cleaned up all the same.
          const context = await enter(
            { name: 'undo', phase: (await readRun(parts.database, lease.runId)).phase as Phase },
            attempt,
            endless,
          );
          if (aftermath === 'again' && setback.kind === 'fault')
            await remark(
              parts.database,
              lease,
              `attempt ${countedAttempt(attempt, parts.begun)} of ${mostAttempts} failed: ${setback.message}`,
            );
          for (const step of bakeSteps.toReversed()) {
            if (aftermath === 'keep' && step.name === 'launch') continue;
            await undoStep(step, state, context);
          }
          await leaveStep(parts.database, lease, { name: 'undo', attempt });
          return null;
        },
        (error) => {
          log.error({ err: error }, 'an attempt was not undone completely; the reaper will do it');
          return null;
        },
      ),

    fail: (state, attempt, setback, aftermath) =>
      retrying(
        () => endFailed(state, attempt, setback, aftermath),
        (error) => {
          throw error;
        },
      ),
  };

  async function clearBefore(firstAttempt: number): Promise<void> {
    const { database, owner, site, substrate } = await enter({ name: 'clear', phase: 'queued' }, firstAttempt, endless);
    const open = new Set<string>(await openBefore(database, lease.runId, firstAttempt));
    const { incomplete, things } = await substrate.listOwned(site, owner.installation, endless);
    for (const thing of things) {
      if (!open.has(thing.token)) continue;
      await assertLease(database, lease);
      await discardThing({ database, site, substrate }, thing, endless);
    }
    // Elsewhere a list may lack what has just been made: the reaper looks again.
    if (substrate.local && incomplete === undefined) for (const token of open) await settle(database, token);
    await leaveStep(parts.database, lease, { name: 'clear', attempt: firstAttempt });
  }

  async function performStep(step: BakeStep, state: BakeState, attempt: number): Promise<StepOutcome> {
    signal.throwIfAborted();
    const context = await enter(step, attempt, signal);
    if (context.run.cancel_requested_at !== null) return { kind: 'cancelled' };
    const added = await step.run(state, context);
    // The last step has ended the run, and with it the lease.
    await leaveStep(parts.database, lease, { name: step.name, attempt });
    return { kind: 'done', state: added };
  }

  function outcomeOf(error: unknown, step: BakeStep): StepOutcome {
    if (signal.reason instanceof BakeCancelled) return { kind: 'cancelled' };
    // From the moment the script may have run it was the script: a timer that it set still goes off while its disk is cleaned.
    if (error instanceof EndedByGuest && (step.phase === 'provisioning' || step.phase === 'capturing'))
      return { kind: 'failed', message: `the script ${error.deed}` };
    if (error instanceof PlatformFault && !error.isFinal) {
      log.warn({ err: error }, 'the platform failed');
      return { kind: 'fault', message: error.message };
    }
    if (error instanceof BakeFailure || error instanceof MurmurError || error instanceof PlatformFault)
      return { kind: 'failed', message: error.message };
    // What went wrong inside may name paths and queries, which are no tenant's business.
    log.error({ err: error, step: step.name }, 'a step failed');
    return {
      kind: 'failed',
      message: `the server failed at step ${step.name}; its operator finds the cause in the log under ${lease.runId}`,
    };
  }

  async function undoStep(step: BakeStep, state: BakeState, context: StepContext): Promise<void> {
    if (step.undo === undefined) return;
    await assertLease(parts.database, lease);
    try {
      await step.undo(state, context);
    } catch (error) {
      if (error instanceof RunLost || isDatabaseOutage(error)) throw error;
      // Its intent stays open, which is what the reaper looks for.
      log.warn({ err: error, step: step.name }, 'a step was not undone; the reaper will do it');
    }
  }

  async function endFailed(state: BakeState, attempt: number, setback: Setback, aftermath: Aftermath): Promise<null> {
    const run = await readRun(parts.database, lease.runId);
    // A crash after the transaction below finds the run ended.
    if (run.ended_at !== null) return null;
    const kept = aftermath === 'keep' ? await keptMachine(state, attempt, run.keep_on_failure_seconds) : undefined;
    if (setback.kind === 'fault')
      await remark(parts.database, lease, `attempt ${countedAttempt(attempt, parts.begun)} of ${mostAttempts} failed: ${setback.message}`);
    if (setback.kind === 'cancelled') await remark(parts.database, lease, 'the bake was cancelled');
    const error = setback.kind === 'cancelled' ? undefined : setback.message;
    await parts.database
      .transaction()
      .execute((trx) => endRun(trx, lease, { phase: setback.kind === 'cancelled' ? 'cancelled' : 'failed', error, kept }));
    return null;
  }

  async function keptMachine(state: BakeState, attempt: number, seconds: number): Promise<{ seconds: number; shell: string } | undefined> {
    if (state.machine === undefined) return undefined;
    const context = await enter({ name: 'keep', phase: (await readRun(parts.database, lease.runId)).phase as Phase }, attempt, endless);
    let shell: string;
    try {
      shell = (await context.substrate.shellCommand?.(state.machine, context.keys)) ?? '';
    } catch (error) {
      // Why the bake failed matters more than a machine that went away meanwhile, which the reaper sees to.
      log.warn({ err: error }, 'a failed machine cannot be kept');
      return undefined;
    }
    await remark(
      parts.database,
      lease,
      `the failed machine stays up for ${formatDuration(BigInt(seconds) * 1_000_000_000n)}; a shell on it: ${shell}`,
    );
    return { seconds, shell };
  }
}

/** For work that nothing interrupts. */
const endless = new AbortController().signal;
