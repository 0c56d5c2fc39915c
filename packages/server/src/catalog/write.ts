import { equals } from '@bufbuild/protobuf';
import type { Message } from '@bufbuild/protobuf';

import type { DatabaseTransaction } from '../database/tables.js';
import type { Address } from './address.js';
import type { CatalogContext } from './context.js';
import type { Decoded } from './decode.js';
import { type FieldFault, fault, throwFaults } from './faults.js';
import type { Kind } from './kind.js';
import { kindNamed } from './kinds/index.js';
import { lockTargets } from './references.js';
import { type StoredResource, decodeSpec, encodeSpec, writeGeneration } from './store.js';

/** The resource after a write, and whether the write made a new generation. */
export interface WriteResult {
  readonly stored: StoredResource;
  readonly changed: boolean;
}

/**
 * Checks a document whole, with all it refers to, and makes it the resource's next generation unless it says what the
 * resource says already. The name must be locked; `current` is what holds it now.
 */
export async function writeDocument(
  trx: DatabaseTransaction,
  context: CatalogContext,
  kind: Kind,
  address: Address,
  document: Decoded,
  current: StoredResource | undefined,
): Promise<WriteResult> {
  const spec = kind.normalise?.(document.message) ?? document.message;
  const invalid = [...kind.validate(spec, document.written), ...checkMismatch(kind, spec, address.name)];
  const { targets, missing } = await lockTargets(trx, address.tenant, kind.references?.(spec) ?? [], kindNamed);
  invalid.push(...missing, ...(kind.checkTargets?.(spec, targets) ?? []));
  throwFaults(kind, document.faults, invalid);
  if (current !== undefined && equals(kind.schema, decodeSpec(kind.schema, current.spec), spec)) return { stored: current, changed: false };
  const written = { spec: encodeSpec(kind.schema, spec), author: context.identity.subject, at: timeOf(context), targets: targets.all };
  return { stored: await writeGeneration(trx, address, written), changed: true };
}

/** The time this write is recorded at. */
export function timeOf(context: CatalogContext): Date {
  return context.now?.() ?? new Date();
}

function checkMismatch(kind: Kind, spec: Message, positional: string): FieldFault[] {
  const name = 'name' in spec && typeof spec.name === 'string' ? spec.name : '';
  const row = kind.errors['nameMismatch'];
  return name === '' || name === positional || row === undefined ? [] : [fault(row, 'name', name, positional)];
}
