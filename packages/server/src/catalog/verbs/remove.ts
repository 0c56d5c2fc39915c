import { notFound, writableAddress } from '../address.js';
import { type CatalogContext, inTransaction } from '../context.js';
import { throwFaults } from '../faults.js';
import { kindNamed } from '../kinds/index.js';
import { refuseIfReferenced } from '../references.js';
import { decodeSpec, lockName, lockResource, writeRemoval } from '../store.js';
import { timeOf } from '../write.js';
import { requireGeneration } from './if-generation.js';

/** The resource to remove. */
export interface RemoveRequest {
  readonly kind: string;
  readonly name: string;
  /** As for a set. */
  readonly ifGeneration?: bigint | undefined;
}

/** Removes a resource that nothing refers to. Its earlier generations stay readable. */
export async function removeResource(context: CatalogContext, request: RemoveRequest): Promise<Record<string, never>> {
  const kind = kindNamed(request.kind);
  const address = writableAddress(kind, context.identity.tenant, request.name);
  await inTransaction(context.database, async (trx) => {
    await lockName(trx, address);
    // Waits for whoever is about to refer to it, and makes who comes later wait for this removal.
    const current = await lockResource(trx, address, 'write');
    requireGeneration(address, current, request.ifGeneration);
    if (current === undefined) throw notFound(kind.name, request.name);
    throwFaults(kind, [], [...(kind.refuseWrite?.(decodeSpec(kind.schema, current.spec), undefined) ?? [])]);
    await refuseIfReferenced(trx, context, kind, address);
    await writeRemoval(trx, address, { author: context.identity.subject, at: timeOf(context) });
  });
  return {};
}
