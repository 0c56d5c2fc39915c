import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { MurmurService } from '@murmur/api';

import { accessOf } from '../access/access.js';
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
export function catalogService(
  parts: Pick<CatalogContext, 'tenantKeys'> & { database: Database },
): Pick<ServiceImpl<typeof MurmurService>, CatalogCalls> {
  const allowed = async (context: HandlerContext, kind: string, verb: PermissionVerb): Promise<CatalogContext> => {
    const identity = identityOf(context);
    requirePermission(identity, `${kind}.${verb}`);
    return { ...parts, identity, permits: await accessOf(parts.database, identity) };
  };
  return {
    getResource: async (request, context) => getResource(await allowed(context, request.kind, 'read'), request),
    listResources: async (request, context) => listResources(await allowed(context, request.kind, 'list'), request),
    setResource: async (request, context) => setResource(await allowed(context, request.kind, 'edit'), request),
    patchResource: async (request, context) => patchResource(await allowed(context, request.kind, 'edit'), request),
    removeResource: async (request, context) => removeResource(await allowed(context, request.kind, 'delete'), request),
    listGenerations: async (request, context) => listGenerations(await allowed(context, request.kind, 'read'), request),
    // What a kind is made of is the same for everyone.
    describeKinds: (request, context) => describeKinds({ identity: identityOf(context) }, request),
  };
}
