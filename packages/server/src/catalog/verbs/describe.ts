import { create } from '@bufbuild/protobuf';
import { type KindDescription, KindDescriptionSchema } from '@murmur/api';

import type { CatalogContext } from '../context.js';
import type { Kind } from '../kind.js';
import { kindNamed, kinds } from '../kinds/index.js';

/** The kind to describe. */
export interface DescribeRequest {
  /** Empty for all kinds. */
  readonly kind: string;
}

/** What there is to know about the kinds: their fields, an example and every error with what to do about it. The same for every tenant. */
export function describeKinds(_context: Partial<CatalogContext>, request: DescribeRequest): { kinds: KindDescription[] } {
  return { kinds: (request.kind === '' ? kinds : [kindNamed(request.kind)]).map(describe) };
}

function describe(kind: Kind): KindDescription {
  return create(KindDescriptionSchema, {
    kind: kind.name,
    summary: kind.summary,
    readOnly: kind.writers === 'platform',
    fields: kind.fields.map((field) => ({ ...field })),
    example: kind.example,
    errors: Object.values(kind.errors).map(({ code, documented, hint }) => ({ code, message: documented, hint })),
  });
}
