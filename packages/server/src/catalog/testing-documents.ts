import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { isMapping, messageToDocument, readDocument } from '@murmur/api';

import { decode } from './decode.js';
import type { Kind } from './kind.js';

/** A field of a kind's message as the kind's field table names it, and its type in the table's words. */
export interface SchemaField {
  readonly path: string;
  readonly type: string;
  readonly field: DescField;
}

/** Every field of a message and of the messages in it. What produced an image is the same in every source, and is described once. */
export function fieldsOf(schema: DescMessage, prefix = ''): SchemaField[] {
  return schema.fields.flatMap((field) => {
    const path = `${prefix}${field.name}`.replace(/^\w+\.(provenance\.)/, '$1');
    const inner = field.fieldKind === 'list' ? `${path}[N].` : `${path}.`;
    const below = field.message === undefined || field.fieldKind === 'map' ? [] : fieldsOf(field.message, inner);
    return [{ path, type: typeOf(field), field }, ...below];
  });
}

function typeOf(field: DescField): string {
  if (field.fieldKind === 'map') return 'map<string, string>';
  const single = field.message === undefined ? scalarType(field) : 'object';
  return field.fieldKind === 'list' ? `${single}[]` : single;
}

function scalarType({ scalar }: DescField): string {
  if (scalar === ScalarType.BOOL) return 'boolean';
  return scalar === undefined || scalar === ScalarType.STRING ? 'string' : 'number';
}

/** A document with the names its kind's field table has, and nothing that says what holds anyway. */
export function plainDocument(kind: Kind, text: string): Record<string, unknown> {
  return messageToDocument(kind.schema, decode(kind.schema, readDocument(text), kind.decoding).message);
}

/** The document without a field, and the path of the one left out: the first, where `[N]` stands for several. */
export function withoutField(
  document: Record<string, unknown>,
  path: string,
): { document: Record<string, unknown>; path: string } | undefined {
  const [head = '', ...rest] = path.split('.');
  const name = head.replace(/\[N\]$/, '');
  const value = document[name];
  if (value === undefined) return undefined;
  if (rest.length === 0) {
    const { [name]: _left, ...others } = document;
    return { document: others, path: name };
  }
  const items = Array.isArray(value) ? value : [value];
  for (const [index, item] of items.entries()) {
    const found = isMapping(item) ? withoutField(item, rest.join('.')) : undefined;
    if (found === undefined) continue;
    const changed = Array.isArray(value) ? items.with(index, found.document) : found.document;
    return { document: { ...document, [name]: changed }, path: `${head.replace('[N]', `[${index}]`)}.${found.path}` };
  }
  return undefined;
}
