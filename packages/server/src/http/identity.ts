import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import { MurmurError } from '@murmur/api';

import type { Identity } from '../access/identity.js';

/** Where the identity interceptor leaves the caller for the services. */
export const identityKey = createContextKey<Identity | undefined>(undefined, { description: 'the authenticated caller' });

/** The caller of this request. The identity interceptor runs before every service, so absence is a fault of ours. */
export function identityOf(context: HandlerContext): Identity {
  const identity = context.values.get(identityKey);
  if (identity === undefined)
    throw new MurmurError('INTERNAL', 'internal error', { cause: new Error('no identity on an authenticated call') });
  return identity;
}
