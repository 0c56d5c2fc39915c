import { type DescField, type DescMessage, type Message, ScalarType, fromJson } from '@bufbuild/protobuf';
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { isMapping, similarWord } from '@murmur/api';

import { readEnum, readScalar } from './decode-scalar.js';
import type { FieldFault } from './faults.js';

/** How a kind's documents differ from their message's plain form. */
export interface Decoding {
  /** Fields that hold a Go duration: a number there is an invalid duration. */
  readonly durations?: readonly string[];
  /** A oneof whose members may also be written below its own name. */
  readonly nestedOneof?: string;
  /** The message about a field that the kind does not have. */
  unknownField?(path: string): string;
}

/** A document read as its kind's message. */
export interface Decoded {
  /** Fields at fault and members of a oneof that exclude each other are absent. */
  readonly message: Message;
  /** All that was written, under snake_case names: also the members of a oneof that exclude each other. */
  readonly written: JsonObject;
  /** What could not be read, in the order of the document. */
  readonly faults: readonly FieldFault[];
}

/** A message's field by its name in a document: snake_case or camelCase. */
export function fieldNamed(schema: DescMessage, name: string): DescField | undefined {
  return schema.fields.find((field) => field.name === name || field.jsonName === name);
}

/** Reads a plain document as a message, with snake_case or camelCase names and enums with or without their prefix. */
export function decode(schema: DescMessage, document: Record<string, unknown>, decoding: Decoding = {}): Decoded {
  const reader = new Reader(decoding);
  const written = reader.mapping(schema, reader.flattened(schema, document), '');
  return { message: fromJson(schema, withoutConflicts(schema, written)), written, faults: reader.faults };
}

const mostSuggestions = 100;

/** Collects faults while it turns a document into protobuf JSON that needs no further check. */
class Reader {
  readonly faults: FieldFault[] = [];
  readonly #decoding: Decoding;

  constructor(decoding: Decoding) {
    this.#decoding = decoding;
  }

  flattened(schema: DescMessage, document: Record<string, unknown>): [string, unknown][] {
    const wrapper = schema.oneofs.find((oneof) => oneof.name === this.#decoding.nestedOneof);
    return Object.entries(document).flatMap(([key, value]): [string, unknown][] => {
      if (wrapper === undefined || key !== wrapper.name) return [[key, value]];
      if (value === null) return [];
      if (!isMapping(value)) return this.#fault(key, `${key}: expected mapping`, []);
      const unknown = Object.keys(value).filter(
        (member) => !wrapper.fields.some((field) => field.name === member || field.jsonName === member),
      );
      for (const member of unknown) this.#unknown(`${key}.${member}`, wrapper.fields);
      return Object.entries(value).filter(([member]) => !unknown.includes(member));
    });
  }

  mapping(schema: DescMessage, entries: readonly [string, unknown][], prefix: string): JsonObject {
    const json: JsonObject = {};
    for (const [key, value] of entries) {
      const field = fieldNamed(schema, key);
      if (field === undefined) {
        this.#unknown(`${prefix}${key}`, schema.fields);
        continue;
      }
      const path = `${prefix}${field.name}`;
      if (Object.hasOwn(json, field.name)) this.#fault(path, `duplicate field "${path}"`, undefined);
      // Null stands for a field left out, as in protobuf's JSON.
      if (value === null || value === undefined) continue;
      const read = this.#field(field, value, path);
      if (read !== undefined) json[field.name] = read;
    }
    return json;
  }

  #field(field: DescField, value: unknown, path: string): JsonValue | undefined {
    if (field.fieldKind === 'list') return this.#list(field, value, path);
    if (field.fieldKind === 'map') return this.#map(field, value, path);
    if (field.fieldKind === 'message') return this.#message(field.message, value, path);
    return this.#single(field, value, path);
  }

  #single(field: DescField, value: unknown, path: string): JsonValue | undefined {
    if (field.enum !== undefined) return this.#settle(path, readEnum(field.enum, field.name, value, path));
    if (field.scalar === ScalarType.STRING && typeof value === 'number' && this.#decoding.durations?.includes(field.name) === true) {
      return this.#fault(path, `${path}: invalid duration`, undefined);
    }
    return this.#settle(path, readScalar(field.scalar ?? ScalarType.STRING, value, path));
  }

  #message(schema: DescMessage, value: unknown, path: string): JsonValue | undefined {
    if (!isMapping(value)) return this.#fault(path, `${path}: expected mapping`, undefined);
    return this.mapping(schema, Object.entries(value), `${path}.`);
  }

  #list(field: DescField & { fieldKind: 'list' }, value: unknown, path: string): JsonValue | undefined {
    if (!Array.isArray(value)) return this.#fault(path, `${path}: expected list`, undefined);
    return value.flatMap((item: unknown, index) => {
      const itemPath = `${path}[${index}]`;
      const read = field.listKind === 'message' ? this.#message(field.message, item, itemPath) : this.#single(field, item, itemPath);
      return read === undefined ? [] : [read];
    });
  }

  #map(field: DescField & { fieldKind: 'map' }, value: unknown, path: string): JsonValue | undefined {
    if (!isMapping(value)) return this.#fault(path, `${path}: expected mapping`, undefined);
    const json: JsonObject = {};
    for (const [key, item] of Object.entries(value)) {
      const itemPath = `${path}[${key}]`;
      // Messages keep maps in plain objects, where this key does not survive.
      if (key === '__proto__') this.#unknown(`${path}.${key}`, []);
      else if (this.#settle(path, readScalar(ScalarType.STRING, key, `${path} key`)) !== undefined) {
        const read = field.mapKind === 'message' ? this.#message(field.message, item, itemPath) : this.#single(field, item, itemPath);
        if (read !== undefined) json[key] = read;
      }
    }
    return json;
  }

  #settle(path: string, read: { value: JsonValue } | { problem: string }): JsonValue | undefined {
    return 'problem' in read ? this.#fault(path, read.problem, undefined) : read.value;
  }

  #unknown(path: string, known: readonly DescField[]): void {
    const message = this.#decoding.unknownField?.(path) ?? `unknown field "${path}"`;
    // Nobody reads more suggestions than these, and each costs a look at every field.
    const names = this.faults.length < mostSuggestions ? known.map(({ name }) => name) : [];
    const meant = similarWord(path.slice(path.lastIndexOf('.') + 1), names);
    this.faults.push({ code: 'INVALID_ARGUMENT', message, path, ...(meant === undefined ? {} : { hint: `Did you mean ${meant}?` }) });
  }

  #fault<T>(path: string, message: string, instead: T): T {
    this.faults.push({ code: 'INVALID_ARGUMENT', message, path });
    return instead;
  }
}

function withoutConflicts(schema: DescMessage, json: JsonObject): JsonObject {
  const conflicting = schema.oneofs.flatMap((oneof) => {
    const present = oneof.fields.map((field) => field.name).filter((name) => json[name] !== undefined);
    return present.length > 1 ? present : [];
  });
  const kept = Object.entries(json).filter(([name]) => !conflicting.includes(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, inner(fieldNamed(schema, name)?.message, value)]));
}

function inner(schema: DescMessage | undefined, value: JsonValue): JsonValue {
  if (schema === undefined) return value;
  if (Array.isArray(value)) return value.map((item) => inner(schema, item));
  return isMapping(value) ? withoutConflicts(schema, value) : value;
}
