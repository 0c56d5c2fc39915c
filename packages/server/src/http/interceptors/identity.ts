import type { Interceptor } from '@connectrpc/connect';
import { MurmurError } from '@murmur/api';

import { authenticate } from '../../access/authenticate.js';
import type { Database } from '../../database/tables.js';
import { identityKey } from '../identity.js';

/** Names the tenant a client means to speak to; a key of another tenant is refused instead of silently used. */
const tenantHeader = 'murmur-tenant';

/** Refuses every call without a valid token, and hands the caller's identity on. */
export function identityInterceptor(database: Database): Interceptor {
  return (next) => async (request) => {
    const identity = await authenticate(database, request.header.get('authorization'));
    const meant = request.header.get(tenantHeader);
    if (meant !== null && meant !== identity.tenant) {
      throw new MurmurError('PERMISSION_DENIED', `this key does not belong to tenant "${meant}"`, {
        hint: 'Use a key of that tenant, or change `tenant` in .murmur/murmur.yaml.',
      });
    }
    request.contextValues.set(identityKey, identity);
    return next(request);
  };
}
