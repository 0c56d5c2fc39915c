import { type CatalogContext, inTransaction } from '../catalog/context.js';
import { type RemoveRequest, removeResource } from '../catalog/verbs/remove.js';
import { revokeKeysOf } from './api-keys.js';
import { profileSubject } from './subject.js';

/**
 * Removes a resource. With a service profile go its keys: they would open whatever a later profile of the same name may do,
 * to people who were never given a key of that one.
 */
export async function removeWithKeys(context: CatalogContext, request: RemoveRequest): Promise<Record<string, never>> {
  if (request.kind !== 'service-profile') return removeResource(context, request);
  return inTransaction(context.database, async (trx) => {
    const removed = await removeResource({ ...context, database: trx }, request);
    await revokeKeysOf(trx, context.identity.tenant, profileSubject(request.name));
    return removed;
  });
}
