import type { Logger } from 'pino';

/** Work that brings what is into line with what should be, done again and again. */
export interface ReconcileLoop {
  readonly name: string;
  readonly everyMs: number;
  work(): Promise<void>;
}

/** Running loops. */
export interface ReconcileLoops {
  /** Goes through one loop's work soon, without waiting for its time. */
  hurry(name: string): void;
  /** Starts nothing more and waits for what runs. */
  stop(): Promise<void>;
}

/** Does each loop's work over and over, never twice at once. A failure is logged and the next time comes as ever. */
export function startReconcileLoops(loops: readonly ReconcileLoop[], log: Logger): ReconcileLoops {
  let stopped = false;
  const pauses = new Map(loops.map(({ name }) => [name, interruptiblePause()]));
  const go = async ({ name, everyMs, work }: ReconcileLoop) => {
    while (!stopped) {
      try {
        await work();
      } catch (error) {
        log.warn({ err: error, loop: name }, 'a reconcile loop failed; it goes on');
      }
      if (!stopped) await pauses.get(name)?.wait(everyMs);
    }
  };
  const running = loops.map(go);
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
