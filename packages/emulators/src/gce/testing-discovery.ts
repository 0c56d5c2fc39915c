import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { isBody } from './json.js';

const require = createRequire(import.meta.url);
const entry = require.resolve('@googleapis/compute');
const declarations = readFileSync(entry.replace(/index\.js$/, 'v1.d.ts'), 'utf8');
const program = readFileSync(entry.replace(/index\.js$/, 'v1.js'), 'utf8');
const types = new Map<string, Type>();

/** A type of Google's discovery document, as their own client for JavaScript declares it. */
type Type =
  | { readonly kind: 'plain'; readonly name: string }
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'list'; readonly of: Type }
  | { readonly kind: 'map'; readonly of: Type }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Type> };

/** One request and its answer, as they were on the wire. */
export interface Exchange {
  /** The method's name in the document, such as `instances.insert`. */
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly body: string;
  /** Undefined where there was none, or an error. */
  readonly answer: unknown;
}

/**
 * What is wrong with a request or its answer by Google's own description of the API: the address, parameters and fields that it
 * does not know, and values of another type.
 */
export function faultsOf({ answer, body, method, name, url }: Exchange): readonly string[] {
  const [resource = '', verb = ''] = name.split('.');
  const className = `${resource.slice(0, 1).toUpperCase()}${resource.slice(1).toLowerCase()}`;
  const code = blockOf(program, `class Resource$${className} {`, '\n    compute_v1.');
  const declared = blockOf(declarations, `export class Resource$${className} {`, '\n    }\n');
  const call = new RegExp(`\\n        ${verb}\\(paramsOrCallback[\\s\\S]*?'(/compute/v1/[^']*)'\\)[\\s\\S]*?method: '(\\w+)'`).exec(code);
  if (call === null) return [`${name} is no method`];
  const [, template = '', verbOnWire = ''] = call;
  const { pathname, searchParams } = new URL(url, 'http://emulator');
  const address = new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`);
  const parameters = fieldsOf(
    blockOf(declarations, `export interface Params$Resource$${className}$${upper(verb.toLowerCase())} extends`, '\n    }\n'),
  );
  const [, answered = ''] = new RegExp(`\\n        ${verb}\\([^\\n]*BodyResponseCallback<Schema\\$(\\w+)>`).exec(declared) ?? [];
  const requested = parameters.get('requestBody');
  const unknown = [...searchParams.keys()].filter((one) => !parameters.has(one) && !['alt', 'fields', 'prettyPrint'].includes(one));
  return [
    ...(verbOnWire === method ? [] : [`${name} is a ${verbOnWire}`]),
    ...(address.test(pathname) ? [] : [`${name} is not at ${pathname}`]),
    ...unknown.map((one) => `${name} takes no ${one}`),
    ...(body === '' || requested === undefined ? [] : mismatches(JSON.parse(body), requested, `${name} request`)),
    ...(answer === undefined ? [] : mismatches(answer, { kind: 'named', name: answered }, `${name} answer`)),
  ];
}

function upper(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

function blockOf(text: string, start: string, end: string): string {
  const from = text.indexOf(start);
  return from === -1 ? '' : text.slice(from, text.indexOf(end, from) + end.length);
}

function mismatches(value: unknown, type: Type, at: string): readonly string[] {
  switch (type.kind) {
    case 'plain':
      // A 64-bit number is a text on the wire, and either is taken in a request.
      return typeof value === type.name || (type.name === 'string' && typeof value === 'number') ? [] : [`${at} is no ${type.name}`];
    case 'named':
      return mismatches(value, schemaOf(type.name), at);
    case 'list':
      return Array.isArray(value) ? value.flatMap((one, index) => mismatches(one, type.of, `${at}[${index}]`)) : [`${at} is no list`];
    case 'map':
      return isBody(value)
        ? Object.entries(value).flatMap(([key, one]) => mismatches(one, type.of, `${at}.${key}`))
        : [`${at} is no mapping`];
    case 'object':
      if (!isBody(value)) return [`${at} is no object`];
      return Object.entries(value).flatMap(([key, one]) => {
        const field = type.fields.get(key);
        return field === undefined ? [`${at} has no ${key}`] : mismatches(one, field, `${at}.${key}`);
      });
  }
}

function schemaOf(name: string): Type {
  const known = types.get(name);
  if (known !== undefined) return known;
  const fields = fieldsOf(blockOf(declarations, `export interface Schema$${name} {`, '\n    }\n'));
  if (fields.size === 0) throw new Error(`there is no schema ${name}`);
  const type: Type = { kind: 'object', fields };
  types.set(name, type);
  return type;
}

function fieldsOf(block: string): ReadonlyMap<string, Type> {
  const text = block.replace(/\/\*[\s\S]*?\*\//g, '');
  const reader = { text: text.slice(text.indexOf('{')), at: 0 };
  const type = block === '' ? undefined : readType(reader);
  return type?.kind === 'object' ? type.fields : new Map<string, Type>();
}

interface Reader {
  readonly text: string;
  at: number;
}

function take(reader: Reader, pattern: RegExp): RegExpExecArray | undefined {
  const sticky = new RegExp(`\\s*(?:${pattern.source})`, 'y');
  sticky.lastIndex = reader.at;
  const found = sticky.exec(reader.text);
  if (found === null) return undefined;
  reader.at = sticky.lastIndex;
  return found;
}

function readType(reader: Reader): Type {
  let type = readOne(reader);
  while (take(reader, /\[\]/) !== undefined) type = { kind: 'list', of: type };
  take(reader, /\| null/);
  return type;
}

function readOne(reader: Reader): Type {
  if (take(reader, /Array</) !== undefined) {
    const of = readType(reader);
    take(reader, />/);
    return { kind: 'list', of };
  }
  const [, schema] = take(reader, /Schema\$(\w+)/) ?? [];
  if (schema !== undefined) return { kind: 'named', name: schema };
  if (take(reader, /\{/) === undefined) return { kind: 'plain', name: take(reader, /[\w.]+/)?.[0].trim() ?? '' };
  if (take(reader, /\[key: string\]:/) !== undefined) {
    const of = readType(reader);
    take(reader, /;\s*\}/);
    return { kind: 'map', of };
  }
  const fields = new Map<string, Type>();
  for (;;) {
    const [, name] = take(reader, /'?([\w.$]+)'?\??:/) ?? [];
    if (name === undefined) break;
    fields.set(name, readType(reader));
    take(reader, /;/);
  }
  take(reader, /\}/);
  return { kind: 'object', fields };
}
