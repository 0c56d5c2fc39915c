import { unauthenticated } from '../access/authenticate.js';

/** How long a stream goes on before its caller is looked at again, in milliseconds. */
export const defaultRecheckMs = 60_000;

/** A stream on which nothing comes is not looked at more often than this. */
const shortestIdleMs = 1000;

/** When, and how, a stream's caller is looked at again. */
export interface Recheck {
  readonly everyMs: number;
  /** Throws when the stream must not go on. */
  check(): Promise<unknown>;
  /** How many milliseconds what identifies the caller still lasts. The stream ends with it, whatever comes. */
  readonly lastsMs?: number | undefined;
}

/**
 * The same messages, for as long as the caller may have them: a stream may go on for hours, and what was taken away in between
 * must not go on with it. The caller is looked at before a message when the last time is long enough ago, and while none comes.
 */
export async function* rechecked<T>(messages: AsyncIterable<T>, { check, everyMs, lastsMs = Infinity }: Recheck): AsyncIterable<T> {
  const iterator = messages[Symbol.asyncIterator]();
  let checkedAt = performance.now();
  // Not by the clock on the wall, which may be set, and differ from the one by which the caller was let in.
  const endsAt = checkedAt + lastsMs;
  const recheck = async (): Promise<void> => {
    if (endsAt <= performance.now()) throw unauthenticated();
    if (performance.now() - checkedAt < everyMs) return;
    await check();
    checkedAt = performance.now();
  };
  try {
    for (;;) {
      const next = iterator.next();
      // Whoever is thrown out below never looks at it again.
      next.catch(() => undefined);
      let result = await within(next, untilNextLook(everyMs, endsAt));
      while (result === undefined) {
        await recheck();
        result = await within(next, untilNextLook(everyMs, endsAt));
      }
      if (result.done === true) return;
      await recheck();
      yield result.value;
    }
  } finally {
    // Not awaited: it ends once the source has noticed the end of the call, which comes with the end of this.
    iterator.return?.().catch(() => undefined);
  }
}

function untilNextLook(everyMs: number, endsAt: number): number {
  return Math.max(0, Math.min(Math.max(everyMs, shortestIdleMs), endsAt - performance.now()));
}

/** What the promise gives, or undefined when it takes longer. */
async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
