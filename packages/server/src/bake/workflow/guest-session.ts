import { setTimeout as delay } from 'node:timers/promises';

import { answeredWithin, type GuestChannel, PlatformFault } from '../../substrates/substrate.js';
import { machineOf } from './machine-of.js';
import type { BakeState, StepContext } from './step.js';

/** A network or an SSH server that restarts is back within these; a machine that is gone says so at once, each time. */
const mostRefusals = 4;
const betweenTriesMs = 500;
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

/** Opens a session with this attempt's machine; nothing is sent before the first use. */
export function guestSession(
  state: BakeState,
  { keys, signal, substrate }: Pick<StepContext, 'keys' | 'signal' | 'substrate'>,
): GuestSession {
  const machine = machineOf(state);
  let channel: GuestChannel | undefined;
  const open = () => answeredWithin(answerMs, signal, (limited) => substrate.channel(machine, keys, limited));
  const drop = async () => {
    const dropped = channel;
    channel = undefined;
    await dropped?.[Symbol.asyncDispose]();
  };
  return {
    async use(limitMs, work) {
      for (let refusals = 0, drops = 0, silences = 0; ; drops += 1) {
        let began = Infinity;
        try {
          if (channel === undefined) {
            channel = await open();
            refusals = 0;
          }
          const lent = channel;
          began = performance.now();
          return await answeredWithin(limitMs, signal, (limited) => work(lent, limited));
        } catch (error) {
          if (channel === undefined) refusals += 1;
          await drop();
          if (performance.now() - began >= limitMs) silences += 1;
          if (!(error instanceof PlatformFault)) throw error;
          if (refusals === mostRefusals || drops === mostDrops || silences === mostSilences) throw error;
          await delay(betweenTriesMs, undefined, { signal });
        }
      }
    },
    [Symbol.asyncDispose]: drop,
  };
}
