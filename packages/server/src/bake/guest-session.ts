import { setTimeout as delay } from 'node:timers/promises';

import { type GuestChannel, PlatformFault } from '../substrates/substrate.js';
import { machineOf } from './machine-of.js';
import type { BakeState, StepContext } from './step.js';

/** A network or an SSH server that restarts is back within these; a machine that is gone says so at once, each time. */
const mostRefusals = 4;
const betweenTriesMs = 500;
const answerMs = 120_000;
/** A guest that drops this many connections in a row, without ever finishing what it was asked, is as good as lost. */
const mostDrops = 10;

/** A guest that may drop connections: whatever is asked of it is asked again over a new one. */
export interface GuestSession extends AsyncDisposable {
  /** Runs work that may be repeated. Throws the last {@link PlatformFault} once the machine stays out of reach. */
  use<T>(work: (channel: GuestChannel) => Promise<T>): Promise<T>;
}

/** Opens a session with this attempt's machine; nothing is sent before the first use. */
export function guestSession(state: BakeState, { keys, signal, substrate }: StepContext): GuestSession {
  const machine = machineOf(state);
  let channel: GuestChannel | undefined;
  const open = async () => {
    const limit = AbortSignal.timeout(answerMs);
    try {
      return await substrate.channel(machine, keys, AbortSignal.any([signal, limit]));
    } catch (error) {
      if (limit.aborted && !signal.aborted)
        throw new PlatformFault(`the machine did not answer for ${answerMs / 1000} s`, { cause: error });
      throw error;
    }
  };
  const drop = async () => {
    const dropped = channel;
    channel = undefined;
    await dropped?.[Symbol.asyncDispose]();
  };
  return {
    async use(work) {
      for (let refusals = 0, drops = 0; ; drops += 1) {
        try {
          if (channel === undefined) {
            channel = await open();
            refusals = 0;
          }
          return await work(channel);
        } catch (error) {
          if (channel === undefined) refusals += 1;
          await drop();
          if (!(error instanceof PlatformFault) || refusals === mostRefusals || drops === mostDrops) throw error;
          await delay(betweenTriesMs, undefined, { signal });
        }
      }
    },
    [Symbol.asyncDispose]: drop,
  };
}
