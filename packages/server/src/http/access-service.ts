import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { MurmurService } from '@murmur/api';

import { createKey, listKeys, revokeKey } from '../access/api-key-calls.js';
import { listAuditEntries } from '../access/audit-log.js';
import type { Caller } from '../access/caller.js';
import { checkPermissions } from '../access/check-permissions.js';
import { createTenant, listTenants } from '../access/tenants.js';
import type { CatalogContext } from '../catalog/context.js';
import type { Database } from '../database/tables.js';

import { accessOfCall, identityOf } from './caller.js';

type AccessCalls =
  | 'createApiKey'
  | 'listApiKeys'
  | 'revokeApiKey'
  | 'createTenant'
  | 'listTenants'
  | 'checkPermissions'
  | 'listAuditEntries';

/** The calls about keys, tenants, permissions and the audit log. */
export function accessService(
  parts: Pick<CatalogContext, 'tenantKeys'> & { database: Database },
): Pick<ServiceImpl<typeof MurmurService>, AccessCalls> {
  const { database } = parts;
  const caller = (context: HandlerContext): Caller => ({ identity: identityOf(context), access: accessOfCall(context) });
  return {
    createApiKey: (request, context) => createKey(database, caller(context), request),
    listApiKeys: (request, context) => listKeys(database, caller(context), request),
    revokeApiKey: (request, context) => revokeKey(database, caller(context), request.id),
    createTenant: (request, context) => createTenant(parts, identityOf(context), request),
    listTenants: (request) => listTenants(database, request),
    checkPermissions: (request, context) => checkPermissions(accessOfCall(context), request),
    listAuditEntries: (request, context) => listAuditEntries(database, identityOf(context).tenant, request),
  };
}
