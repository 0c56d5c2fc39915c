import { setTimeout as delay } from 'node:timers/promises';

import type { Logger } from 'pino';

/** Work that is done again and again. */
export interface Round {
  readonly name: string;
  readonly everyMs: number;
  work(): Promise<void>;
}

/** Running rounds. */
export interface Rounds {
  /** Does one round soon, without waiting for its time. */
  hurry(name: string): void;
  /** Starts nothing more and waits for what runs. */
  stop(): Promise<void>;
}

/** Does each round's work over and over, never twice at once. A failure is logged and the next time comes as ever. */
export function startRounds(rounds: readonly Round[], log: Logger): Rounds {
  const stopping = new AbortController();
  const wakes = new Map<string, () => void>();
  const go = async ({ name, everyMs, work }: Round) => {
    while (!stopping.signal.aborted) {
      const wake = new AbortController();
      wakes.set(name, () => wake.abort());
      try {
        await work();
      } catch (error) {
        log.warn({ err: error, round: name }, 'a round of upkeep failed');
      }
      const interrupted = AbortSignal.any([stopping.signal, wake.signal]);
      if (!interrupted.aborted) await delay(everyMs, undefined, { signal: interrupted }).catch(wokenEarly);
    }
  };
  const running = rounds.map(go);
  return {
    hurry: (name) => wakes.get(name)?.(),
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

function wokenEarly(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}
