import type { DatabaseTransaction } from '../../database/tables.js';
import type { Address } from '../address.js';
import type { CatalogContext } from '../context.js';
import type { Decoded } from '../decode.js';
import { throwFaults } from '../faults.js';
import type { Kind } from '../kind.js';
import { type StoredResource, decodeSpec, lockResource } from '../store.js';
import { writeDocument } from '../write.js';
import { requireGeneration } from './if-generation.js';

/** A resource to create or to replace whole. */
export interface Replacement {
  readonly kind: Kind;
  readonly address: Address;
  readonly document: Decoded;
  /** The generations that the writer says to have read; undefined where it says none. */
  readonly conditions: readonly (bigint | undefined)[];
}

/** What a replacement has done. */
export interface Replaced {
  readonly stored: StoredResource;
  readonly outcome: 'created' | 'changed' | 'unchanged';
}

/** Writes a document whose name is locked: it creates the resource or replaces it, as far as the caller may do that. */
export async function replace(
  trx: DatabaseTransaction,
  context: CatalogContext,
  { kind, address, document, conditions }: Replacement,
): Promise<Replaced> {
  const current = await lockResource(trx, address, 'write');
  requireWrite(context, address, current);
  for (const generation of conditions) requireGeneration(address, current, generation);
  if (current !== undefined) {
    throwFaults(kind, [], [...(kind.refuseWrite?.(decodeSpec(kind.schema, current.spec), document.written) ?? [])]);
  }
  const { stored, changed } = await writeDocument(trx, context, kind, address, document, current);
  return { stored, outcome: current === undefined ? 'created' : changed ? 'changed' : 'unchanged' };
}

/** Whoever may neither create nor edit gets one answer, whether the resource exists or not. */
function requireWrite({ permits }: CatalogContext, { kind, name }: Address, current: StoredResource | undefined): void {
  const [create, edit] = [`${kind}.create`, `${kind}.edit`];
  const isOneHeld = permits.holds(create, name) || permits.holds(edit, name);
  permits.require(isOneHeld && current === undefined ? create : edit, name);
}
