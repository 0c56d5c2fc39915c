import { createHash } from 'node:crypto';

import { MurmurError, isMurmurError } from '@murmur/api';
import type { Logger } from 'pino';

/** How many wrong keys are looked at, and how long the others wait. */
export interface WrongKeyLimits {
  /** As many wrong keys in a row come to nothing but their refusal. */
  readonly burst: number;
  /** So many more are forgiven in a second. */
  readonly perSecond: number;
  /** How long a key waits that comes from where wrong ones keep coming from, in milliseconds. */
  readonly waitMs: number;
  /** As many keys may wait so from one peer. */
  readonly maxWaiting: number;
  /** As many keys that have not been good before may wait or be looked at in all: bodies wait with them. */
  readonly maxStrange: number;
}

/** What every server uses. A key cannot be guessed; this keeps whoever tries from the database and the processor. */
export const wrongKeyLimits: WrongKeyLimits = { burst: 100, perSecond: 5, waitMs: 1000, maxWaiting: 64, maxStrange: 1024 };

/** As many peers and good keys are remembered; beyond, the oldest is forgotten. */
const maxRemembered = 10_000;

/** Looks at keys, and at those of a peer that keeps bringing wrong ones slowly. */
export interface KeyWatch {
  /** What `look` gives for this header. Throws what it throws, and RESOURCE_EXHAUSTED where too many wait already. */
  identify<T>(peer: string, header: string | undefined, look: () => Promise<T>): Promise<T>;
}

interface Peer {
  /** Wrong keys that may still come, as of `at`. */
  left: number;
  at: number;
  waiting: number;
}

/**
 * Slows wrong keys down by where they come from. A key that has been good before is never slowed: whoever sends wrong ones from
 * behind the same proxy keeps nobody out.
 */
export function watchKeys(limits: WrongKeyLimits, log: Logger): KeyWatch {
  const peers = new Map<string, Peer>();
  const good = new Set<string>();
  let strange = 0;

  const peerNamed = (name: string): Peer => {
    const peer = peers.get(name) ?? { left: limits.burst, at: performance.now(), waiting: 0 };
    const now = performance.now();
    peer.left = Math.min(limits.burst, peer.left + ((now - peer.at) / 1000) * limits.perSecond);
    peer.at = now;
    return peer;
  };
  const countWrong = (name: string): void => {
    const peer = peerNamed(name);
    if (peer.left >= 1 && peer.left < 2) log.warn({ address: name }, 'wrong keys keep coming from one address; they are slowed down');
    peer.left = Math.max(0, peer.left - 1);
    peers.delete(name);
    peers.set(name, peer);
    forgetOldest(peers);
  };
  const waitTurn = async (name: string): Promise<void> => {
    const peer = peerNamed(name);
    if (peer.left >= 1) return;
    if (peer.waiting >= limits.maxWaiting) {
      throw exhausted('too many wrong keys come from your address', 'Wait a moment, and check your key.');
    }
    peer.waiting++;
    await new Promise((resolve) => setTimeout(resolve, limits.waitMs));
    peer.waiting--;
  };

  /** Of a key that has not been good before. */
  const lookAtStrange = async <T>(name: string, look: () => Promise<T>): Promise<T> => {
    if (strange >= limits.maxStrange) throw exhausted('too many calls wait to be let in', 'Try again in a moment.');
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

function forgetOldest(kept: Set<string> | Map<string, Peer>): void {
  const [oldest] = kept.size > maxRemembered ? kept.keys() : [];
  if (oldest !== undefined) kept.delete(oldest);
}

function exhausted(message: string, hint: string): MurmurError {
  return new MurmurError('RESOURCE_EXHAUSTED', message, { hint });
}
