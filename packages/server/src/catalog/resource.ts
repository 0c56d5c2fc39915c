import { type Message, create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Resource, ResourceSchema } from '@murmur/api';

import { PLATFORM_TENANT } from './context.js';
import type { Kind } from './kind.js';
import { type StoredResource, decodeSpec } from './store.js';

/** A stored resource as the API hands it out. */
export function toResource(kind: Kind, stored: StoredResource): Resource {
  return create(ResourceSchema, {
    kind: kind.name,
    name: stored.name,
    generation: BigInt(stored.generation),
    author: stored.author,
    createTime: timestampFromDate(stored.created_at),
    updateTime: timestampFromDate(stored.updated_at),
    builtin: stored.tenant === PLATFORM_TENANT,
    spec: specMember(kind, decodeSpec(kind.schema, stored.spec)),
  });
}

function specMember(kind: Kind, value: Message): Resource['spec'] {
  const member = ResourceSchema.fields.find((field) => field.message?.typeName === kind.schema.typeName);
  if (member === undefined) throw new Error(`the Resource message has no field for ${kind.schema.typeName}`);
  // The registry's test holds kinds and members together; the compiler cannot.
  return { case: member.localName, value } as Resource['spec'];
}
