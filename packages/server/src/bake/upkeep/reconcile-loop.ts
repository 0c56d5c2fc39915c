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
  let stopped = false;
  const pauses = new Map(rounds.map(({ name }) => [name, interruptiblePause()]));
  const go = async ({ name, everyMs, work }: Round) => {
    while (!stopped) {
      try {
        await work();
      } catch (error) {
        log.warn({ err: error, round: name }, 'a round of upkeep failed');
      }
      if (!stopped) await pauses.get(name)?.wait(everyMs);
    }
  };
  const running = rounds.map(go);
  return {
    hurry: (name) => pauses.get(name)?.interrupt(),
    async stop() {
      stopped = true;
      for (const pause of pauses.values()) pause.interrupt();
      await Promise.all(running);
    },
  };
}

/** A pause that an interruption ends, or leaves out when it came before. */
function interruptiblePause(): { wait(ms: number): Promise<void>; interrupt(): void } {
  let interrupted = false;
  let end: (() => void) | undefined;
  return {
    async wait(ms) {
      if (!interrupted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          end = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      end = undefined;
      interrupted = false;
    },
    interrupt() {
      interrupted = true;
      end?.();
    },
  };
}
