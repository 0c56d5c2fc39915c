import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { MurmurService } from '@murmur/api';

import type { Issuers } from '../access/oidc.js';
import { createSignInCodes } from '../access/sign-in-codes.js';
import type { Bakery } from '../bake/index.js';
import { accessOfCall, identityOf } from './caller.js';
import { metricsPermission } from './metrics-readers.js';

/** Who is calling, what is answering, where its machines run, and whose tokens it takes. */
export function sessionService(parts: {
  version: string;
  substrates: readonly string[];
  missingSubstrates?: ReadonlyMap<string, string>;
  bakery: Pick<Bakery, 'room'>;
  issuers: Issuers;
}): Pick<
  ServiceImpl<typeof MurmurService>,
  'whoAmI' | 'getVersion' | 'listIssuers' | 'listSubstrates' | 'createSignInCode' | 'redeemSignInCode'
> {
  const codes = createSignInCodes();
  return {
    whoAmI(_request, context) {
      const { tenant, subject, keyId, issuer = '', end, operator } = identityOf(context);
      const expiry = end === undefined ? {} : { expireTime: timestampFromDate(end.at) };
      return { tenant, subject, keyId, issuer, operator, ...expiry };
    },
    getVersion: () => ({ version: parts.version, substrates: [...parts.substrates] }),
    createSignInCode(_request, context) {
      const { subject, tenant } = identityOf(context);
      const [, token = ''] = /^bearer +(\S+)/i.exec(context.requestHeader.get('authorization') ?? '') ?? [];
      const { code, expiresAt } = codes.create(`${tenant} ${subject}`, token);
      return { code, expireTime: timestampFromDate(expiresAt) };
    },
    redeemSignInCode: ({ code }) => ({ token: codes.redeem(code) }),
    async listSubstrates(_request, context) {
      const maySeeReasons = accessOfCall(context).namesFor(metricsPermission).includes('*');
      const available = parts.substrates.map((name) => ({ name: name.toLowerCase(), available: true }));
      const missing = [...(parts.missingSubstrates ?? [])].map(([name, reason]) => ({
        name: name.toLowerCase(),
        available: false,
        reason: maySeeReasons ? reason : '',
      }));
      return { substrates: [...available, ...missing], hosts: [...(await parts.bakery.room())] };
    },
    listIssuers: () => ({
      issuers: parts.issuers.configured.map(({ issuer, clientId, scopes }) => ({ url: issuer, clientId, scopes: [...scopes] })),
    }),
  };
}
