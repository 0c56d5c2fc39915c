import { MurmurError } from '@murmur/api';

/** The bytes that all requests together may take, so that many large ones at once do not take the server's memory. */
export interface ByteBudget {
  /**
   * Counts bytes for this caller, until they are given back. Throws RESOURCE_EXHAUSTED, and counts nothing, where they are
   * more than there is room for.
   */
  take(caller: string, bytes: number): void;
  give(caller: string, bytes: number): void;
}

/** One caller takes at most a half, so that it leaves room for the others. */
export function byteBudget(totalBytes: number): ByteBudget {
  const taken = new Map<string, number>();
  let total = 0;
  return {
    take(caller, bytes) {
      const own = (taken.get(caller) ?? 0) + bytes;
      if (own > totalBytes / 2) throw exhausted('your requests that are being answered', 'Wait for some of them to end, then try again.');
      if (total + bytes > totalBytes) throw exhausted('the requests that are being answered', 'Try again in a moment.');
      taken.set(caller, own);
      total += bytes;
    },
    give(caller, bytes) {
      const own = (taken.get(caller) ?? 0) - bytes;
      if (own > 0) taken.set(caller, own);
      else taken.delete(caller);
      total -= bytes;
    },
  };

  function exhausted(what: string, hint: string): MurmurError {
    return new MurmurError('RESOURCE_EXHAUSTED', `${what} hold too many bytes`, { hint });
  }
}
