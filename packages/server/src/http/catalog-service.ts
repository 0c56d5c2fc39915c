import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { MurmurService } from '@murmur/api';

import { removeWithKeys } from '../access/remove-with-keys.js';
import type { CatalogContext } from '../catalog/context.js';
import {
  applyResources,
  describeKinds,
  getResource,
  listGenerations,
  listResources,
  patchResource,
  setResource,
} from '../catalog/verbs/index.js';
import type { Database } from '../database/tables.js';

import { accessOfCall, identityOf, trailOf } from './caller.js';

type CatalogCalls =
  | 'getResource'
  | 'listResources'
  | 'setResource'
  | 'patchResource'
  | 'removeResource'
  | 'listGenerations'
  | 'describeKinds'
  | 'applyResources';

/** The calls that read and write resources of every kind. */
export function catalogService(
  parts: Pick<CatalogContext, 'tenantKeys'> & { database: Database },
): Pick<ServiceImpl<typeof MurmurService>, CatalogCalls> {
  const on = (context: HandlerContext): CatalogContext => ({
    database: parts.database,
    tenantKeys: parts.tenantKeys,
    identity: identityOf(context),
    permits: accessOfCall(context),
  });
  return {
    getResource: (request, context) => getResource(on(context), request),
    listResources: (request, context) => listResources(on(context), request),
    setResource: (request, context) => setResource(on(context), request),
    patchResource: (request, context) => patchResource(on(context), request),
    removeResource: (request, context) => removeWithKeys(on(context), request),
    listGenerations: (request, context) => listGenerations(on(context), request),
    describeKinds: (request, context) => describeKinds(on(context), request),
    applyResources: (request, context) =>
      applyResources(on(context), request, async (trx, written) => {
        // A single document is named by the entry that was written before it was.
        if (request.documents.length > 1) await trailOf(context).addWritten(trx, written);
      }),
  };
}
