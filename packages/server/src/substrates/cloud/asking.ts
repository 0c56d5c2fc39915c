import type { FaultKind } from '../substrate.js';
import { growingPause, type Pauses } from './pauses.js';

/** Throttling and lost answers are waited out for this long. */
const patienceMs = 5 * 60_000;
/** So often in a row a session may be over before that is taken for a refusal: clocks differ, and a request may be slow. */
const mostRenewals = 3;

/** How a cloud's errors are read, and what is done about a session that is over. */
export interface Asking {
  readonly signal: AbortSignal;
  readonly pauses: Pauses;
  kindOf(error: unknown): FaultKind | undefined;
  /** The error as the port has it. */
  asFault(error: unknown): unknown;
  isExpired(error: unknown): boolean;
  /** Makes the next call with another session. */
  renew(): void;
  /** Waits also while what is asked about does not seem to be there yet, or is in use. */
  readonly isPatient?: boolean;
}

/**
 * Makes a call that may be repeated, again while that may help: after throttling and where no answer came for minutes, with
 * another session where one is over.
 */
export async function askPatiently<T>(call: () => Promise<T>, asking: Asking): Promise<T> {
  const { asFault, isExpired, isPatient = false, kindOf, pauses, renew, signal } = asking;
  const until = Date.now() + patienceMs;
  const pause = growingPause(pauses, 'jittered', signal);
  for (let renewals = 0; ;) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      const kind = kindOf(error);
      if (isExpired(error) && renewals < mostRenewals) {
        renewals += 1;
        renew();
      } else if ((kind === 'slow-down' || (isPatient && kind === 'not-yet')) && Date.now() < until) {
        await pause();
      } else throw asFault(error);
    }
  }
}
