import type { Interceptor } from '@connectrpc/connect';

import { authenticate } from '../../access/authenticate.js';
import type { Issuers } from '../../access/oidc.js';
import type { Database } from '../../database/tables.js';
import { ruleOf } from '../call-rules.js';
import { identityKey } from '../caller.js';

/** Refuses calls without a valid token, other than those that anyone may make, and hands the caller's identity on. */
export function identityInterceptor(database: Database, issuers: Issuers): Interceptor {
  return (next) => async (request) => {
    if (ruleOf(request.method).takes !== 'anyone') {
      request.contextValues.set(identityKey, await authenticate(database, request.header.get('authorization'), issuers));
    }
    return next(request);
  };
}
