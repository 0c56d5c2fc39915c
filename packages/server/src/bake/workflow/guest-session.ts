import { setTimeout as delay } from 'node:timers/promises';

import { answeredWithin, EndedByGuest, type GuestChannel, PlatformFault } from '../../substrates/substrate.js';
import { type BakeState, machineOf, type StepContext } from './step.js';

/** A network or an SSH server that restarts is back within these; a machine that is gone says so at once, each time. */
const mostRefusals = 4;
const betweenTriesMs = 500;
/** A machine that is out of reach for this long stays so. */
const answerMs = 120_000;
/** A guest that drops this many connections in a row, without ever finishing what it was asked, is as good as lost. */
const mostDrops = 10;
/** So is one that says nothing to the end of the limit, over this many connections. */
const mostSilences = 2;

/** A guest that may drop connections: whatever is asked of it is asked again over a new one. */
export interface GuestSession extends AsyncDisposable {
  /**
   * Runs work that may be repeated, and that is given up over one connection after `limitMs` without an end. Throws the last
   * {@link PlatformFault} once the machine stays out of reach.
   */
  use<T>(limitMs: number, work: (channel: GuestChannel, signal: AbortSignal) => Promise<T>): Promise<T>;
}

/**
 * Opens a session with this attempt's machine; nothing is sent before the first use. No use of it takes longer than
 * `remainingMs` says at that time: then the machine is given up, whatever it is waiting for. Until then one that stands still
 * because its host has no room is waited for.
 */
export function guestSession(
  state: BakeState,
  { keys, note, signal, substrate }: Pick<StepContext, 'keys' | 'signal' | 'substrate'> & Partial<Pick<StepContext, 'note'>>,
  remainingMs: () => number = () => Infinity,
): GuestSession {
  const machine = machineOf(state);
  let channel: GuestChannel | undefined;
  const asked = <T>(limitMs: number, ask: (limited: AbortSignal) => Promise<T>) => {
    const remaining = Math.max(0, remainingMs());
    if (remaining >= limitMs) return answeredWithin(limitMs, signal, ask);
    return answeredWithin(Math.ceil(remaining), signal, ask, 'the machine did not answer until its time was over');
  };
  const drop = async () => {
    const dropped = channel;
    channel = undefined;
    await dropped?.[Symbol.asyncDispose]();
  };
  return {
    async use(limitMs, work) {
      let reached = performance.now();
      for (let refusals = 0, drops = 0, silences = 0; ; drops += 1) {
        let began = Infinity;
        try {
          if (channel === undefined) {
            channel = await asked(answerMs, (limited) => substrate.channel(machine, keys, limited));
            refusals = 0;
          }
          const lent = channel;
          began = performance.now();
          reached = began;
          const answer = await asked(limitMs, (limited) => work(lent, limited));
          note?.(undefined);
          return answer;
        } catch (error) {
          if (channel === undefined) refusals += 1;
          await drop();
          if (performance.now() - began >= limitMs) silences += 1;
          if (!(error instanceof PlatformFault) || error instanceof EndedByGuest || error.isFinal || remainingMs() <= 0) throw error;
          const outOfReach = refusals >= mostRefusals || drops >= mostDrops || silences >= mostSilences;
          const awaited = error.kind === 'no-room' && remainingMs() < Infinity;
          if (!awaited && (outOfReach || performance.now() - reached >= answerMs)) throw error;
          note?.(`its machine, which is out of reach: ${error.message}`);
          await delay(betweenTriesMs, undefined, { signal });
        }
      }
    },
    async [Symbol.asyncDispose]() {
      note?.(undefined);
      await drop();
    },
  };
}
