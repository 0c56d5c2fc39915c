import { setTimeout as delay } from 'node:timers/promises';

/** How long to wait between two looks at a cloud, in milliseconds: at first, and at the longest. */
export interface Pauses {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** What a substrate on a cloud waits for: how often it looks meanwhile, and for how long. */
export interface CloudTimes {
  /** Until a call that was throttled or got no answer is made again. */
  readonly call: Pauses;
  readonly machine: Pauses;
  readonly image: Pauses;
  /** Until zones that were all full are tried once more. */
  readonly room: Pauses;
  /** A machine that runs but does not answer is given up after this long, in milliseconds. */
  readonly bootMs: number;
  /** What was just made may not be seen for this long; only then is it taken to be gone. */
  readonly unseenMs: number;
}

/** As often as a cloud's rate limits are meant for. Tests have an emulator of their own and need not wait. */
export const usualTimes: CloudTimes = {
  call: { firstMs: 500, longestMs: 20_000 },
  machine: { firstMs: 1000, longestMs: 15_000 },
  image: { firstMs: 5000, longestMs: 30_000 },
  room: { firstMs: 30_000, longestMs: 60_000 },
  bootMs: 10 * 60_000,
  unseenMs: 5 * 60_000,
};

/**
 * A pause that grows with every use. `jittered` by any part of it, so that servers which were throttled together do not come
 * back together; `even` where the time itself is what is waited for. Rejects when the signal is aborted.
 */
export function growingPause({ firstMs, longestMs }: Pauses, how: 'jittered' | 'even', signal: AbortSignal): () => Promise<void> {
  let next = firstMs;
  return async () => {
    const now = how === 'jittered' ? Math.random() * next : next * (0.8 + 0.2 * Math.random());
    next = Math.min(next * 1.6, longestMs);
    await delay(now, undefined, { signal });
  };
}
