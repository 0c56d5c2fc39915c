/** The cloud's time, which tests can put forward: minutes of waiting pass at once. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Returns when the clock has gone this far on, by itself or because it was put forward. */
  sleep(ms: number): Promise<void>;
  advance(ms: number): void;
}

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
  timer?: NodeJS.Timeout;
}

/** The longest that a timer of Node's can be set for. */
const longest = 2 ** 31 - 1;

/** A clock that goes as the host's does, until it is put forward. Whoever sleeps by it keeps no process alive. */
export function createClock(): Clock {
  let ahead = 0;
  const sleepers = new Set<Sleeper>();
  const now = () => Date.now() + ahead;
  const look = (sleeper: Sleeper): void => {
    clearTimeout(sleeper.timer);
    const left = sleeper.until - now();
    if (left > 0) {
      sleeper.timer = setTimeout(() => look(sleeper), Math.min(left, longest)).unref();
      return;
    }
    sleepers.delete(sleeper);
    sleeper.wake();
  };
  return {
    now,
    sleep: (ms) =>
      new Promise((wake) => {
        const sleeper = { until: now() + ms, wake };
        sleepers.add(sleeper);
        look(sleeper);
      }),
    advance(ms) {
      ahead += ms;
      for (const sleeper of sleepers) look(sleeper);
    },
  };
}
