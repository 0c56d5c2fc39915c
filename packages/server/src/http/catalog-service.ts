import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { MurmurService } from '@murmur/api';

import { type PermissionVerb, requirePermission } from '../access/permissions.js';
import type { CatalogContext } from '../catalog/context.js';
import {
  describeKinds,
  getResource,
  listGenerations,
  listResources,
  patchResource,
  removeResource,
  setResource,
} from '../catalog/verbs/index.js';
import type { Database } from '../database/tables.js';
import { identityOf } from './identity.js';

type CatalogCalls =
  | 'getResource'
  | 'listResources'
  | 'setResource'
  | 'patchResource'
  | 'removeResource'
  | 'listGenerations'
  | 'describeKinds';

/** The calls that read and write resources of every kind. */
export function catalogService(database: Database): Pick<ServiceImpl<typeof MurmurService>, CatalogCalls> {
  const allowed = (context: HandlerContext, kind: string, verb: PermissionVerb): CatalogContext => {
    const identity = identityOf(context);
    requirePermission(identity, `${kind}.${verb}`);
    return { database, identity };
  };
  return {
    getResource: (request, context) => getResource(allowed(context, request.kind, 'read'), request),
    listResources: (request, context) => listResources(allowed(context, request.kind, 'list'), request),
    setResource: (request, context) => setResource(allowed(context, request.kind, 'edit'), request),
    patchResource: (request, context) => patchResource(allowed(context, request.kind, 'edit'), request),
    removeResource: (request, context) => removeResource(allowed(context, request.kind, 'delete'), request),
    listGenerations: (request, context) => listGenerations(allowed(context, request.kind, 'read'), request),
    // What a kind is made of is the same for everyone.
    describeKinds: (request, context) => describeKinds({ database, identity: identityOf(context) }, request),
  };
}
