import { createHash } from 'node:crypto';

import { isMurmurError, refusal } from '@murmur/api';
import type { Logger } from 'pino';

import { guardErrors } from './errors.js';
import { type BucketLimits, forgetOldest, tokenBuckets } from './token-buckets.js';

/** How many wrong keys are looked at, and how long the others wait. */
export interface WrongKeyLimits extends BucketLimits {
  /** How long a key waits that comes from where wrong ones keep coming from, in milliseconds. */
  readonly waitMs: number;
  /** As many keys may wait so from one peer. */
  readonly maxWaiting: number;
  /** As many keys that have not been good before may wait or be looked at in all: bodies wait with them. */
  readonly maxStrange: number;
}

/** What every server uses. A key cannot be guessed; this keeps whoever tries from the database and the processor. */
export const wrongKeyLimits: WrongKeyLimits = { burst: 100, perSecond: 5, waitMs: 1000, maxWaiting: 64, maxStrange: 1024 };

/** Looks at keys, and at those of a peer that keeps bringing wrong ones slowly. */
export interface KeyWatch {
  /** What `look` gives for this header. Throws what it throws, and RESOURCE_EXHAUSTED where too many wait already. */
  identify<T>(peer: string, header: string | undefined, look: () => Promise<T>): Promise<T>;
}

/**
 * Slows wrong keys down by where they come from. A key that has been good before is never slowed: whoever sends wrong ones from
 * behind the same proxy keeps nobody out.
 */
export function watchKeys(limits: WrongKeyLimits, log: Logger): KeyWatch {
  const wrong = tokenBuckets(limits);
  const waiting = new Map<string, number>();
  const good = new Set<string>();
  let strange = 0;

  const countWrong = (peer: string): void => {
    const before = wrong.spend(peer);
    if (before >= 1 && before < 2) log.warn({ peer }, 'wrong keys keep coming from one address; they are slowed down');
  };
  const waitTurn = async (peer: string): Promise<void> => {
    if (wrong.left(peer) >= 1) return;
    const others = waiting.get(peer) ?? 0;
    if (others >= limits.maxWaiting) {
      throw refusal(guardErrors.wrongKeys, []);
    }
    waiting.set(peer, others + 1);
    await new Promise((resolve) => setTimeout(resolve, limits.waitMs));
    const left = (waiting.get(peer) ?? 1) - 1;
    if (left > 0) waiting.set(peer, left);
    else waiting.delete(peer);
  };
  /** Of a key that has not been good before. */
  const lookAtStrange = async <T>(name: string, look: () => Promise<T>): Promise<T> => {
    if (strange >= limits.maxStrange) throw refusal(guardErrors.tooManyStrangers, []);
    strange++;
    try {
      await waitTurn(name);
      return await look();
    } finally {
      strange--;
    }
  };

  return {
    async identify(name, header, look) {
      // Without one there is nothing to look at.
      if (header === undefined) return look();
      const print = createHash('sha256').update(header).digest('base64');
      try {
        const found = good.has(print) ? await look() : await lookAtStrange(name, look);
        good.delete(print);
        good.add(print);
        forgetOldest(good);
        return found;
      } catch (thrown) {
        if (isMurmurError(thrown) && thrown.code === 'UNAUTHENTICATED') {
          good.delete(print);
          countWrong(name);
        }
        throw thrown;
      }
    },
  };
}
