import type { ServiceImpl } from '@connectrpc/connect';
import type { MurmurService } from '@murmur/api';

import { identityOf } from './caller.js';

/** Who is calling, and what is answering. */
export function sessionService(parts: {
  version: string;
  substrates: readonly string[];
}): Pick<ServiceImpl<typeof MurmurService>, 'whoAmI' | 'getVersion'> {
  return {
    whoAmI(_request, context) {
      const { tenant, subject, keyId } = identityOf(context);
      return { tenant, subject, keyId };
    },
    getVersion() {
      return { version: parts.version, substrates: [...parts.substrates] };
    },
  };
}
