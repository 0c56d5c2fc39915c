import { createHash, randomBytes } from 'node:crypto';

import { refusal } from '@murmur/api';

import { signInErrors } from './errors.js';

const usualLifeMs = 60_000;

/** As many may wait to be used at once, of one caller and in all: whoever asks for more lets the oldest ones go. */
const most = { ofCaller: 8, inAll: 1000 };

/** Codes that stand for a credential, in memory only. */
export interface SignInCodes {
  /** A code for the credential of a caller. */
  create(caller: string, token: string): { readonly code: string; readonly expiresAt: Date };
  /** The credential, this once. Throws UNAUTHENTICATED for a code that there is not, or not any more. */
  redeem(code: string): string;
}

interface Waiting {
  readonly caller: string;
  readonly token: string;
  readonly expiresAt: number;
}

/** Hands out codes that are good once and for a minute, unless told otherwise. */
export function createSignInCodes(lifeMs = usualLifeMs): SignInCodes {
  // By hash: a code that is compared byte by byte could be guessed by how long that takes.
  const waiting = new Map<string, Waiting>();
  const forgetOldest = (ofCaller: string | undefined, limit: number): void => {
    const hashes = [...waiting].flatMap(([hash, { caller }]) => (ofCaller === undefined || caller === ofCaller ? [hash] : []));
    for (const hash of hashes.slice(0, Math.max(0, hashes.length - limit + 1))) waiting.delete(hash);
  };
  return {
    create(caller, token) {
      const now = Date.now();
      for (const [hash, { expiresAt }] of waiting) if (expiresAt <= now) waiting.delete(hash);
      forgetOldest(caller, most.ofCaller);
      forgetOldest(undefined, most.inAll);
      const code = randomBytes(32).toString('base64url');
      const expiresAt = now + lifeMs;
      const hash = hashOf(code);
      waiting.set(hash, { caller, token, expiresAt });
      // Not only when somebody asks: a credential lies in memory no longer than it may be used.
      setTimeout(() => waiting.delete(hash), lifeMs).unref();
      return { code, expiresAt: new Date(expiresAt) };
    },
    redeem(code) {
      const hash = hashOf(code);
      const found = waiting.get(hash);
      waiting.delete(hash);
      if (found === undefined || found.expiresAt <= Date.now()) throw refusal(signInErrors.codeUsed, []);
      return found.token;
    },
  };
}

function hashOf(code: string): string {
  return createHash('sha256').update(code).digest('hex');
}
