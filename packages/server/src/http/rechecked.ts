/** How long a stream goes on before its caller is looked at again, in milliseconds. */
export const defaultRecheckMs = 60_000;

/**
 * The same messages, for as long as `check` does not throw. It is asked before a message when the last time is long enough
 * ago: a stream may go on for hours, and what was taken away in between must not go on with it.
 */
export async function* rechecked<T>(messages: AsyncIterable<T>, everyMs: number, check: () => Promise<unknown>): AsyncIterable<T> {
  let checkedAt = performance.now();
  for await (const message of messages) {
    if (performance.now() - checkedAt >= everyMs) {
      await check();
      checkedAt = performance.now();
    }
    yield message;
  }
}
