import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { MurmurService } from '@murmur/api';

import type { Issuers } from '../access/oidc.js';
import { identityOf } from './caller.js';

/** Who is calling, what is answering, and whose tokens it takes. */
export function sessionService(parts: {
  version: string;
  substrates: readonly string[];
  issuers: Issuers;
}): Pick<ServiceImpl<typeof MurmurService>, 'whoAmI' | 'getVersion' | 'listIssuers'> {
  return {
    whoAmI(_request, context) {
      const { tenant, subject, keyId, issuer = '', end, operator } = identityOf(context);
      const expiry = end === undefined ? {} : { expireTime: timestampFromDate(end.at) };
      return { tenant, subject, keyId, issuer, operator, ...expiry };
    },
    getVersion: () => ({ version: parts.version, substrates: [...parts.substrates] }),
    listIssuers: () => ({
      issuers: parts.issuers.configured.map(({ issuer, clientId, scopes }) => ({ url: issuer, clientId, scopes: [...scopes] })),
    }),
  };
}
