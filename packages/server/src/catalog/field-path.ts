import type { DescMessage } from '@bufbuild/protobuf';
import { type FieldValue, MurmurError, isMapping, readValue } from '@murmur/api';

import { type Decoding, fieldNamed } from './decode.js';

/** A value for one field of a document. */
export interface Assignment {
  readonly path: string;
  readonly value: unknown;
}

/** Reads the values a request names fields with. */
export function readAssignments(fields: readonly Pick<FieldValue, 'path' | 'value'>[]): Assignment[] {
  return fields.map(({ path, value }) => ({ path, value: value.case === 'text' ? value.value : readYaml(path, value.value ?? '') }));
}

/**
 * Puts the values into a plain document, in place, and returns the paths that name no field of the message. A path is
 * dotted (`gce.self_link`), an entry of a map is named by its key (`aws.ami_ids.us-east-1`), and null removes.
 */
export function assign(
  schema: DescMessage,
  document: Record<string, unknown>,
  values: readonly Assignment[],
  decoding: Decoding = {},
): string[] {
  return values.filter(({ path, value }) => !assignOne(schema, document, path.split('.'), value, decoding)).map(({ path }) => path);
}

function assignOne(
  schema: DescMessage,
  container: Record<string, unknown>,
  segments: readonly string[],
  value: unknown,
  decoding: Decoding,
): boolean {
  const [head = '', ...rest] = segments;
  if (head === decoding.nestedOneof && rest.length > 0) {
    const nested = container[head];
    return assignOne(schema, isMapping(nested) ? nested : container, rest, value, {});
  }
  const field = fieldNamed(schema, head);
  if (field === undefined) return false;
  const key = Object.hasOwn(container, field.jsonName) ? field.jsonName : field.name;
  if (rest.length === 0) {
    put(container, key, value);
    return true;
  }
  if (field.fieldKind === 'map') {
    // The rest is one key: keys may contain dots.
    put(inner(container, key), rest.join('.'), value);
    return true;
  }
  return field.fieldKind === 'message' && assignOne(field.message, inner(container, key), rest, value, {});
}

/** The mapping below a key, made when there is none. A value of another type is replaced, as setting the field whole would. */
function inner(container: Record<string, unknown>, key: string): Record<string, unknown> {
  const present = container[key];
  if (isMapping(present)) return present;
  const made: Record<string, unknown> = {};
  container[key] = made;
  return made;
}

function put(container: Record<string, unknown>, key: string, value: unknown): void {
  if (value === null) delete container[key];
  else Object.defineProperty(container, key, { value, configurable: true, enumerable: true, writable: true });
}

function readYaml(path: string, text: string): unknown {
  try {
    return readValue(text);
  } catch (error) {
    const { code, message, hint } = MurmurError.from(error);
    throw new MurmurError(code, `${path}: ${message}`, { cause: error, ...(hint === undefined ? {} : { hint }) });
  }
}
