/** Hands values from callbacks to an async loop, in order. */
export interface ChunkQueue<T> extends AsyncIterable<T> {
  push(value: T): void;
  /** No more values come; with an error, the loop throws it after the last. */
  end(error?: Error): void;
}

/** How much may wait in a queue. */
export interface QueueLimit<T> {
  readonly most: number;
  sizeOf(value: T): number;
  /** Makes the error that ends the queue when more waits: its reader is too slow, and memory is not. */
  exceeded(): Error;
}

/** An empty queue for one reader. */
export function chunkQueue<T>(limit: QueueLimit<T>): ChunkQueue<T> {
  const waiting: T[] = [];
  let size = 0;
  let ended: { readonly error?: Error } | undefined;
  let wake: () => void = () => undefined;
  return {
    push(value) {
      if (ended !== undefined) return;
      size += limit.sizeOf(value);
      if (size > limit.most) ended = { error: limit.exceeded() };
      else waiting.push(value);
      wake();
    },
    end(error) {
      ended ??= error === undefined ? {} : { error };
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const value = waiting.shift();
        if (value !== undefined) {
          size -= limit.sizeOf(value);
          yield value;
        } else if (ended === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else if (ended.error === undefined) return;
        else throw ended.error;
      }
    },
  };
}
