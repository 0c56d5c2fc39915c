/** Hands values from callbacks to an async loop, in order. */
export interface ChunkQueue<T> extends AsyncIterable<T> {
  push(value: T): void;
  /** No more values come; with an error, the loop throws it after the last. */
  end(error?: Error): void;
}

/** An empty queue for one reader. */
export function chunkQueue<T>(): ChunkQueue<T> {
  const waiting: T[] = [];
  let ended: { readonly error?: Error } | undefined;
  let wake: () => void = () => undefined;
  return {
    push(value) {
      waiting.push(value);
      wake();
    },
    end(error) {
      ended ??= error === undefined ? {} : { error };
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const value = waiting.shift();
        if (value !== undefined) yield value;
        else if (ended === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else if (ended.error === undefined) return;
        else throw ended.error;
      }
    },
  };
}
