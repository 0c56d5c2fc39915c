/** Runs the tasks of one key after another, so that two calls with one token never work on the same files at once. */
export function oneAtATime(): <T>(key: string, task: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (key, task) => {
    const before = last.get(key);
    const run = (async () => {
      // Whether the task before succeeded is its own caller's business.
      await before?.catch(() => undefined);
      return task();
    })();
    last.set(key, run);
    try {
      return await run;
    } finally {
      if (last.get(key) === run) last.delete(key);
    }
  };
}
