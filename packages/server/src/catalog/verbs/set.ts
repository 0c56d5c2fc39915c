import { type FieldValue, type Resource, readDocument } from '@murmur/api';

import { writableAddress } from '../address.js';
import { type CatalogContext, inTransaction } from '../context.js';
import { decode } from '../decode.js';
import { type FieldFault, throwFaults } from '../faults.js';
import { assign, readAssignments } from '../field-path.js';
import { kindNamed } from '../kinds/index.js';
import { toResource } from '../resource.js';
import { prepareToSeal } from '../secret-values.js';
import { decodeSpec, lockName, lockResource } from '../store.js';
import { writeDocument } from '../write.js';

/** A document to store under a name. */
export interface SetRequest {
  readonly kind: string;
  readonly name: string;
  /** YAML or JSON. */
  readonly document: string;
  /** Values put into the document before it is read. */
  readonly fields: readonly Pick<FieldValue, 'path' | 'value'>[];
}

/** Creates a resource or replaces it whole. Setting what is there already changes nothing and makes no new generation. */
export async function setResource(context: CatalogContext, request: SetRequest): Promise<{ resource: Resource; changed: boolean }> {
  const kind = kindNamed(request.kind);
  const address = writableAddress(kind, context.identity.tenant, request.name);
  const document = readDocument(request.document);
  const unknown = assign(kind.schema, document, readAssignments(request.fields), kind.decoding);
  const decoded = decode(kind.schema, document, kind.decoding);
  const faults = [...unknown.map(unknownField), ...decoded.faults];
  await prepareToSeal(context, kind);
  return inTransaction(context.database, async (trx) => {
    await lockName(trx, address);
    const current = await lockResource(trx, address, 'write');
    if (current !== undefined) {
      const refused = kind.refuseWrite?.(decodeSpec(kind.schema, current.spec), decoded.written) ?? [];
      throwFaults(kind, [], [...refused]);
    }
    const { stored, changed } = await writeDocument(trx, context, kind, address, { ...decoded, faults }, current);
    return { resource: toResource(kind, stored), changed };
  });
}

function unknownField(path: string): FieldFault {
  return { code: 'INVALID_ARGUMENT', message: `unknown field "${path}"`, path };
}
