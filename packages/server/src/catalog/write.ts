import { equals } from '@bufbuild/protobuf';
import type { Message } from '@bufbuild/protobuf';
import { MurmurError } from '@murmur/api';

import type { DatabaseTransaction } from '../database/tables.js';
import type { Address } from './address.js';
import type { CatalogContext } from './context.js';
import type { Decoded } from './decode.js';
import { type FieldFault, fault, throwFaults } from './faults.js';
import { requireGiveable } from './permissions/escalation.js';
import type { Kind } from './kind.js';
import { kindNamed } from './kinds/index.js';
import { lockTargets } from './references.js';
import { readSecretValue, splitSealed, writeSecretValue } from './secret-values.js';
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
  const { visible, value } = splitSealed(kind, spec);
  const kept = await keptValue(trx, context, { kind, current, value });
  const hasNothingToKeep = current === undefined || (kind.sealedField !== undefined && kept === undefined);
  if (hasNothingToKeep) invalid.push(...(kind.validateNew?.(spec, document.written) ?? []));
  const onBehalf = { tenant: address.tenant, permits: context.permits };
  const { targets, missing } = await lockTargets(trx, onBehalf, kind.references?.(spec) ?? [], kindNamed);
  invalid.push(...missing, ...(kind.checkTargets?.(spec, targets) ?? []));
  throwFaults(kind, document.faults, invalid);
  const isSame = current !== undefined && equals(kind.schema, decodeSpec(kind.schema, current.spec), visible);
  if (isSame && (value === undefined || value === kept)) return { stored: current, changed: false };
  requireUsable(context, kind, spec, current);
  await requireGiveable(trx, context.permits, { kind, address, spec, targets });
  const written = { spec: encodeSpec(kind.schema, visible), author: context.identity.subject, at: timeOf(context), targets: targets.all };
  const stored = await writeGeneration(trx, address, written);
  const sealed = value ?? kept;
  if (sealed !== undefined) await writeSecretValue(trx, context.tenantKeys, stored, sealed);
  return { stored, changed: true };
}

/** Throws PERMISSION_DENIED for the first thing newly used that its writer may not use. */
function requireUsable({ permits }: CatalogContext, kind: Kind, spec: Message, current: StoredResource | undefined): void {
  const before = current === undefined ? [] : (kind.uses?.(decodeSpec(kind.schema, current.spec)) ?? []);
  for (const { permission, name, where } of kind.uses?.(spec) ?? []) {
    const isOld = before.some((used) => used.permission === permission && used.name === name && used.where === where);
    if (!isOld) permits.require(permission, name);
  }
}

interface Sealed {
  readonly kind: Kind;
  readonly current: StoredResource | undefined;
  /** The new value, if the document has one. */
  readonly value: string | undefined;
}

async function keptValue(trx: DatabaseTransaction, { tenantKeys }: CatalogContext, { kind, current, value }: Sealed) {
  if (kind.sealedField === undefined || current === undefined) return undefined;
  try {
    return await readSecretValue(trx, tenantKeys, current.tenant, current.name);
  } catch (error) {
    // Another value is what repairs one that cannot be opened.
    if (value === undefined || !(error instanceof MurmurError) || error.code !== 'INTERNAL') throw error;
    return undefined;
  }
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
