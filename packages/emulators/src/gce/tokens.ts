import { randomBytes } from 'node:crypto';

import type { Clock } from '../wire/clock.js';

/** Whoever holds an access token. */
export interface Holder {
  /** An e-mail address of a user or service account, or the principal that a pool knows somebody as. */
  readonly name: string;
  /** What it opens: the project's own calls, or only the way to a service account's token. */
  readonly kind: 'account' | 'federated';
}

/** The access tokens that are out. */
export interface Tokens {
  issue(holder: Holder, seconds: number): string;
  /** Who holds a token; undefined for one that is none, or over. */
  holderOf(token: string): Holder | undefined;
}

/** Access tokens that end by the cloud's clock, and one that never does. */
export function createTokens(clock: Clock, lasting: { readonly token: string; readonly holder: Holder }): Tokens {
  const held = new Map<string, { readonly holder: Holder; readonly until: number }>();
  held.set(lasting.token, { holder: lasting.holder, until: Number.POSITIVE_INFINITY });
  return {
    issue(holder, seconds) {
      const token = `ya29.${randomBytes(48).toString('base64url')}`;
      held.set(token, { holder, until: clock.now() + seconds * 1000 });
      return token;
    },
    holderOf(token) {
      const found = held.get(token);
      return found !== undefined && found.until > clock.now() ? found.holder : undefined;
    },
  };
}
