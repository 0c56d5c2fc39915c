import { type Beginning, countedAttempt } from './beginning.js';
import type { BakeState, BakeStep } from './step.js';
import { capture } from './steps/capture.js';
import { clean } from './steps/clean.js';
import { launch } from './steps/launch.js';
import { provision } from './steps/provision.js';
import { register } from './steps/register.js';
import { release } from './steps/release.js';
import { waitReady } from './steps/wait-ready.js';

/** A bake, from top to bottom. */
export const bakeSteps: readonly BakeStep[] = [launch, waitReady, provision, clean, capture, release, register];

/**
 * Names the workflow's shape. Servers that agree on it resume each other's bakes, and begin anew those of any other; raise it when
 * the steps, their order or their state change.
 */
export const workflowVersion = 'bake-2';

/** A fault of the platform gets this many machines in all; a fault of the script gets one. */
export const mostAttempts = 3;

/** How long to leave the platform alone before the second and the third machine. */
const pausesMs = [2000, 15_000];

/** How a step ended. Plain JSON: the workflow's tables keep it. */
export type StepOutcome =
  | { readonly kind: 'done'; readonly state: BakeState }
  /** The platform failed; a fresh machine may do. */
  | { readonly kind: 'fault'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'cancelled' };

/** An outcome that ends an attempt. */
export type Setback = Exclude<StepOutcome, { kind: 'done' }>;

/** What happens after a setback: another attempt, or the run's end, perhaps with its machine kept for a person. */
export type Aftermath = 'again' | 'end' | 'keep';

/** Does the work of a run's steps. Each call may be repeated after a crash. */
export interface Worker {
  /** Removes what the attempts before this one left, which an earlier beginning of the run broke off. */
  clear(firstAttempt: number): Promise<null>;
  perform(step: BakeStep, state: BakeState, attempt: number): Promise<StepOutcome>;
  /** Undoes what the attempt made. */
  release(state: BakeState, attempt: number, setback: Setback, aftermath: Aftermath): Promise<null>;
  /** Ends the run as failed or cancelled. */
  fail(state: BakeState, attempt: number, setback: Setback, aftermath: Aftermath): Promise<null>;
}

/** Runs a piece of work once, whatever crashes: a repeated workflow gets the recorded result instead. */
export type Durable = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** Waits, by the time at which the waiting began, whatever crashes meanwhile. */
export type DurablePause = (ms: number) => Promise<void>;

/** The workflow of one beginning of a run: the steps in order, and after a setback `release`, then a fresh attempt or `fail`. */
export async function bake(
  worker: Worker,
  { durable, pause }: { readonly durable: Durable; readonly pause: DurablePause },
  keepsFailedMachine: () => boolean,
  { begun, firstAttempt }: Beginning,
): Promise<void> {
  if (begun > 1) await durable('clear', () => worker.clear(firstAttempt));
  for (let attempt = firstAttempt; ; attempt += 1) {
    let state: BakeState = {};
    let setback: Setback | undefined;
    for (const step of bakeSteps) {
      const before = state;
      const outcome = await durable(`${attempt} ${step.name}`, () => worker.perform(step, before, attempt));
      if (outcome.kind !== 'done') {
        setback = outcome;
        break;
      }
      state = { ...state, ...outcome.state };
    }
    if (setback === undefined) return;
    const met = setback;
    const last = state;
    const aftermath = aftermathOf(met, last, countedAttempt(attempt, begun), keepsFailedMachine);
    await durable(`${attempt} undo`, () => worker.release(last, attempt, met, aftermath));
    if (aftermath === 'again') {
      await pause(pausesMs[countedAttempt(attempt, begun) - 1] ?? 0);
      continue;
    }
    await durable(`${attempt} fail`, () => worker.fail(last, attempt, met, aftermath));
    return;
  }
}

function aftermathOf(setback: Setback, state: BakeState, attempt: number, keepsFailedMachine: () => boolean): Aftermath {
  if (setback.kind === 'fault' && attempt < mostAttempts) return 'again';
  // After capture the machine is stopped, and there is nothing to look at.
  const machineRuns = state.machine !== undefined && state.artifact === undefined;
  return setback.kind === 'failed' && machineRuns && keepsFailedMachine() ? 'keep' : 'end';
}
