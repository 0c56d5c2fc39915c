import { type FieldValue, type Resource, readDocument } from '@murmur/api';

import { writableAddress } from '../address.js';
import { type CatalogContext, inTransaction } from '../context.js';
import { decode } from '../decode.js';
import type { FieldFault } from '../faults.js';
import { assign, readAssignments } from '../field-path.js';
import { kindNamed } from '../kinds/index.js';
import { toResource } from '../resource.js';
import { prepareToSeal } from '../secret-values.js';
import { lockName } from '../store.js';
import { requireKind, takeHeader } from './document-header.js';
import { replace } from './replace.js';

/** A document to store under a name. */
export interface SetRequest {
  readonly kind: string;
  readonly name: string;
  /** YAML or JSON. It may carry its `kind`, which must be this one, and the `generation` it was read at, which must be the current one. */
  readonly document: string;
  /** Values put into the document before it is read. */
  readonly fields: readonly Pick<FieldValue, 'path' | 'value'>[];
  /** The generation the writer has read, 0 for none: any other is ABORTED. Not checked when it is not given. */
  readonly ifGeneration?: bigint | undefined;
}

/** Creates a resource or replaces it whole. Setting what is there already changes nothing and makes no new generation. */
export async function setResource(context: CatalogContext, request: SetRequest): Promise<{ resource: Resource; changed: boolean }> {
  const kind = kindNamed(request.kind);
  const address = writableAddress(kind, context.identity.tenant, request.name);
  const header = takeHeader(readDocument(request.document));
  requireKind(header, kind.name);
  const document = header.fields;
  const unknown = assign(kind.schema, document, readAssignments(request.fields), kind.decoding);
  const decoded = decode(kind.schema, document, kind.decoding);
  const faults = [...unknown.map(unknownField), ...decoded.faults];
  await prepareToSeal(context, kind);
  return inTransaction(context.database, async (trx) => {
    await lockName(trx, address);
    const { ifGeneration } = request;
    const conditions = [ifGeneration, header.generation];
    const { stored, outcome } = await replace(trx, context, { kind, address, document: { ...decoded, faults }, conditions });
    return { resource: toResource(kind, stored), changed: outcome !== 'unchanged' };
  });
}

function unknownField(path: string): FieldFault {
  return { code: 'INVALID_ARGUMENT', message: `unknown field "${path}"`, path };
}
