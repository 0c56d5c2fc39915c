import { type FieldValue, MurmurError, type Resource, messageToDocument } from '@murmur/api';

import { notFound, writableAddress } from '../address.js';
import { type CatalogContext, inTransaction } from '../context.js';
import { decode } from '../decode.js';
import { throwFaults } from '../faults.js';
import { type Assignment, assign, readAssignments } from '../field-path.js';
import type { Kind } from '../kind.js';
import { kindNamed } from '../kinds/index.js';
import { toResource } from '../resource.js';
import { prepareToSeal } from '../secret-values.js';
import { type StoredResource, decodeSpec, lockName, lockResource } from '../store.js';
import { writeDocument } from '../write.js';
import { requireGeneration } from './if-generation.js';

/** The fields to change and their new values. */
export interface PatchRequest {
  readonly kind: string;
  readonly name: string;
  readonly fields: readonly Pick<FieldValue, 'path' | 'value'>[];
  /** As for a set. */
  readonly ifGeneration?: bigint | undefined;
}

/** Changes the named fields and no others. The result is checked whole, as if it had been set. */
export async function patchResource(context: CatalogContext, request: PatchRequest): Promise<{ resource: Resource; changed: boolean }> {
  const kind = kindNamed(request.kind);
  const address = writableAddress(kind, context.identity.tenant, request.name);
  const values = readAssignments(request.fields);
  refuseUnknownPaths(kind, values);
  await prepareToSeal(context, kind);
  return inTransaction(context.database, async (trx) => {
    await lockName(trx, address);
    const current = await lockResource(trx, address, 'write');
    requireGeneration(address, current, request.ifGeneration);
    if (current === undefined) throw notFound(kind.name, request.name);
    const decoded = patched(kind, current, values);
    const { stored, changed } = await writeDocument(trx, context, kind, address, decoded, current);
    const resource = toResource(kind, stored);
    // The fields that were not named are what was there before, and whoever may change them may perhaps not read them.
    const isReadable = context.permits.holds(`${kind.name}.read`, address.name);
    return { resource: isReadable ? resource : { ...resource, spec: { case: undefined } }, changed };
  });
}

function refuseUnknownPaths(kind: Kind, values: readonly Assignment[]): void {
  if (values.length === 0) {
    throw new MurmurError('INVALID_ARGUMENT', 'a patch needs at least one field', {
      hint: 'Name a field, such as --set description=text.',
    });
  }
  const unknown = assign(kind.schema, {}, values, kind.decoding).map((path) => ({
    code: 'INVALID_ARGUMENT' as const,
    message: unknownPath(path),
    path,
  }));
  throwFaults(kind, unknown, []);
}

function patched(kind: Kind, current: StoredResource, values: readonly Assignment[]) {
  const spec = decodeSpec(kind.schema, current.spec);
  const changes: Record<string, unknown> = {};
  assign(kind.schema, changes, values, kind.decoding);
  const written = decode(kind.schema, changes, kind.decoding).written;
  throwFaults(kind, [], [...(kind.refuseWrite?.(spec, written) ?? [])]);
  const document = messageToDocument(kind.schema, spec);
  assign(kind.schema, document, values, kind.decoding);
  return decode(kind.schema, document, { ...kind.decoding, unknownField: unknownPath });
}

function unknownPath(path: string): string {
  return `unknown field path "${path}" in update mask`;
}
