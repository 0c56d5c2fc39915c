/**
 * Work that many ask for at once and that is done for all of them together. Whoever asks gets the end of a turn that began after
 * they asked; two turns never overlap.
 */
export function oneAfterAnother(work: () => Promise<void>): () => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= last.then(() => {
      next = undefined;
      const turn = work();
      // Whoever asked for a turn that failed hears of it; the next one begins all the same.
      last = turn.catch(() => undefined);
      return turn;
    });
    return next;
  };
}
