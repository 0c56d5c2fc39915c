import { type DescMessage, type Message, toJson } from '@bufbuild/protobuf';
import { Document, Scalar, visit } from 'yaml';

import { type Resource, ResourceSchema } from '../gen/murmur/api/v1/catalog_pb.js';
import { isMapping } from './document.js';
import { kindOfField } from './names.js';

/** A resource's specification with its message's descriptor. */
export interface Spec {
  readonly kind: string;
  readonly schema: DescMessage;
  readonly message: Message;
}

/** The specification a resource carries; undefined when it carries none. */
export function specOf(resource: Resource): Spec | undefined {
  const { case: member, value } = resource.spec;
  if (member === undefined) return undefined;
  const field = ResourceSchema.field[member];
  return field.message === undefined ? undefined : { kind: kindOfField(field.name), schema: field.message, message: value };
}

/** A resource's specification as `get` prints it and `set` accepts it: snake_case names, prefixed enums, no defaults. */
export function specToDocument(resource: Resource): Record<string, unknown> {
  const spec = specOf(resource);
  return spec === undefined ? {} : messageToDocument(spec.schema, spec.message);
}

/** Any message in the same form, its fields in the order in which the message declares them. */
export function messageToDocument(schema: DescMessage, message: Message): Record<string, unknown> {
  return inDeclaredOrder(schema, toJson(schema, message, { useProtoFieldName: true }));
}

function inDeclaredOrder(schema: DescMessage, json: unknown): Record<string, unknown> {
  const ordered: Record<string, unknown> = {};
  if (!isMapping(json)) return ordered;
  for (const field of schema.fields) {
    const value = json[field.name];
    if (value === undefined) continue;
    ordered[field.name] = orderedValue(field.message, value, field.fieldKind);
  }
  return ordered;
}

function orderedValue(schema: DescMessage | undefined, value: unknown, fieldKind: string): unknown {
  // Well-known types (timestamps) have their own JSON form.
  if (schema !== undefined && !schema.typeName.startsWith('google.protobuf.')) {
    return Array.isArray(value) ? value.map((item) => inDeclaredOrder(schema, item)) : inDeclaredOrder(schema, value);
  }
  if (fieldKind !== 'map' || !isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Prints a plain value as YAML that reads back as the same value, to the byte. Texts of several lines, such as scripts,
 * are printed as literal blocks, unless only a quoted string can hold them.
 */
export function printYaml(value: unknown): string {
  const document = new Document(value, { compat: 'yaml-1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value !== 'string' || !node.value.includes('\n')) return;
      node.type = fitsBlock(node.value) ? Scalar.BLOCK_LITERAL : Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0, minContentWidth: 0 });
}

/** A block holds its text as it stands, so it can hold neither what YAML normalises nor what it does not print. */
function fitsBlock(text: string): boolean {
  // eslint-disable-next-line no-control-regex
  return !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\p{Surrogate}/u.test(text) && /[^\s]/.test(text);
}
