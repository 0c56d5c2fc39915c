import * as ec2 from '@aws-sdk/client-ec2';
import * as sts from '@aws-sdk/client-sts';
import { NormalizedSchema } from '@smithy/core/schema';

import { ApiError } from './errors.js';
import type { Parameters } from './parameters.js';
import type { XmlValue } from './xml.js';

/** The two services on the emulator's address. */
export type Api = 'ec2' | 'sts';

type SchemaRef = ParametersOf<typeof NormalizedSchema.of>;
type ParametersOf<F> = F extends (schema: infer A) => unknown ? A : never;

const services: Readonly<Record<Api, Readonly<Record<string, unknown>>>> = { ec2, sts };

/** Values that the model has as enumerations, by the parameter's last name; the SDK keeps them apart from its schemas. */
const enumerations: Readonly<Record<string, readonly string[]>> = {
  InstanceType: Object.values(ec2._InstanceType),
  VolumeType: Object.values(ec2.VolumeType),
  InstanceInitiatedShutdownBehavior: Object.values(ec2.ShutdownBehavior),
  HttpTokens: Object.values(ec2.HttpTokensState),
  HttpEndpoint: Object.values(ec2.InstanceMetadataEndpointState),
  ResourceType: Object.values(ec2.ResourceType),
  KeyType: Object.values(ec2.KeyType),
};

/** Whether the service's own model has a call of this name. */
export function isOperation(api: Api, name: string): boolean {
  return operation(api, name) !== undefined;
}

/**
 * Refuses what the service's own model, as its SDK carries it, does not have: unknown parameters, values of another type and
 * missing required ones.
 */
export function checkParameters(api: Api, name: string, parameters: Parameters): void {
  const input = shape(api, name, 4);
  for (const [path, value] of parameters) {
    if (path === 'Action' || path === 'Version') continue;
    const schema = input === undefined ? undefined : schemaAt(api, input, path.split('.'));
    if (schema === undefined) throw new ApiError('UnknownParameter', `The parameter ${path} is not recognized`);
    checkValue(schema, path, value);
  }
  if (input !== undefined) checkRequired(api, input, [...parameters.keys()], '');
}

/** Throws for an answer that the service's own model does not have: a client would not read it. */
export function checkAnswer(api: Api, name: string, answer: XmlValue): void {
  const output = shape(api, name, 5);
  if (typeof answer !== 'object' || Array.isArray(answer)) throw new Error('an answer is a structure');
  for (const [key, value] of Object.entries(answer)) {
    // Calls whose model has no output answer this all the same.
    if (key === 'return') continue;
    const member = output === undefined ? undefined : members(output, elementName).get(key);
    if (member === undefined) throw new Error(`the model of ${name} answers no ${key}`);
    checkElement(member, value as XmlValue, `${name}.${key}`);
  }
}

function operation(api: Api, name: string): readonly unknown[] | undefined {
  const found = services[api][`${name}$`];
  return Array.isArray(found) && found[0] === 9 ? (found as readonly unknown[]) : undefined;
}

function shape(api: Api, name: string, index: 4 | 5): NormalizedSchema | undefined {
  const ref = operation(api, name)?.[index];
  if (ref === undefined) return undefined;
  const schema = NormalizedSchema.of(ref as SchemaRef);
  return schema.isStructSchema() ? schema : undefined;
}

function schemaAt(api: Api, from: NormalizedSchema, path: readonly string[]): NormalizedSchema | undefined {
  const [first = '', ...rest] = path;
  if (path.length === 0) return from.isStructSchema() || from.isListSchema() || from.isMapSchema() ? undefined : from;
  if (from.isListSchema()) {
    const inner = api === 'sts' ? rest : path;
    if ((api === 'sts' && first !== 'member') || !/^[1-9]\d{0,3}$/.test(inner[0] ?? '')) return undefined;
    return schemaAt(api, from.getValueSchema(), inner.slice(1));
  }
  const member = from.isStructSchema() ? members(from, api === 'ec2' ? queryName : elementName).get(first) : undefined;
  return member === undefined ? undefined : schemaAt(api, member, rest);
}

const known = { query: new Map<unknown, Map<string, NormalizedSchema>>(), element: new Map<unknown, Map<string, NormalizedSchema>>() };

function members(struct: NormalizedSchema, nameOf: typeof queryName): Map<string, NormalizedSchema> {
  const cache = nameOf === queryName ? known.query : known.element;
  const before = cache.get(struct.getSchema());
  if (before !== undefined) return before;
  const made = new Map([...struct.structIterator()].map(([name, member]) => [nameOf(name, member), member] as const));
  cache.set(struct.getSchema(), made);
  return made;
}

/** The name in EC2's query protocol. */
function queryName(name: string, member: NormalizedSchema): string {
  const { ec2QueryName, xmlName = name } = member.getMergedTraits();
  return typeof ec2QueryName === 'string' ? ec2QueryName : String(xmlName).replace(/^./, (letter) => letter.toUpperCase());
}

/** The name of an answer's element, and of STS's parameters. */
function elementName(name: string, member: NormalizedSchema): string {
  return String(member.getMergedTraits().xmlName ?? name);
}

function checkValue(schema: NormalizedSchema, path: string, value: string): void {
  const refuse = (what: string) => new ApiError('InvalidParameterValue', `Value (${value}) for parameter ${path} is invalid. ${what}`);
  if (schema.isBooleanSchema() && !/^(true|false)$/i.test(value)) throw refuse('Expected a boolean.');
  if (schema.isNumericSchema() && !/^-?\d{1,18}(\.\d+)?$/.test(value)) throw refuse('Expected a number.');
  if (schema.isTimestampSchema() && Number.isNaN(Date.parse(value))) throw refuse('Expected a time.');
  if (schema.isBlobSchema() && !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw refuse('Expected base64.');
  const last = path.split('.').at(-1) ?? '';
  const allowed = enumerations[last];
  if (allowed !== undefined && schema.isStringSchema() && !allowed.includes(value)) {
    throw new ApiError('InvalidParameterValue', `Invalid value '${value}' for ${last}.`);
  }
}

/** Looks below what was given only: a structure that is left out needs nothing. */
function checkRequired(api: Api, struct: NormalizedSchema, given: readonly string[], prefix: string): void {
  const requiredCount = Number((struct.getSchema() as readonly unknown[])[6] ?? 0);
  let index = 0;
  for (const [name, member] of struct.structIterator()) {
    const key = prefix + (api === 'ec2' ? queryName : elementName)(name, member);
    const below = given.filter((one) => one === key || one.startsWith(`${key}.`));
    if (index++ < requiredCount && below.length === 0) {
      throw new ApiError('MissingParameter', `The request must contain the parameter ${key}`);
    }
    if (below.length > 0) checkRequiredBelow(api, member, below, `${key}.`);
  }
}

function checkRequiredBelow(api: Api, schema: NormalizedSchema, given: readonly string[], prefix: string): void {
  if (schema.isStructSchema()) return checkRequired(api, schema, given, prefix);
  if (!schema.isListSchema()) return;
  const start = api === 'sts' ? `${prefix}member.` : prefix;
  const items = new Set(given.map((one) => one.slice(start.length).split('.')[0] ?? ''));
  for (const item of items) {
    const below = `${start}${item}.`;
    checkRequiredBelow(
      api,
      schema.getValueSchema(),
      given.filter((one) => one.startsWith(below)),
      below,
    );
  }
}

function checkElement(schema: NormalizedSchema, value: XmlValue, at: string): void {
  if (value === undefined) return;
  const fits = (ok: boolean) => {
    if (!ok) throw new Error(`the model has another type at ${at} than ${JSON.stringify(value)}`);
  };
  if (schema.isListSchema()) {
    fits(Array.isArray(value));
    for (const item of value as readonly XmlValue[]) checkElement(schema.getValueSchema(), item, `${at}[]`);
  } else if (schema.isStructSchema()) {
    fits(typeof value === 'object' && !Array.isArray(value));
    for (const [key, inner] of Object.entries(value)) {
      const member = members(schema, elementName).get(key);
      if (member === undefined) throw new Error(`the model answers no ${at}.${key}`);
      checkElement(member, inner as XmlValue, `${at}.${key}`);
    }
  } else if (schema.isBooleanSchema()) fits(typeof value === 'boolean');
  else if (schema.isNumericSchema()) fits(typeof value === 'number');
  else if (schema.isTimestampSchema()) fits(typeof value === 'string' && !Number.isNaN(Date.parse(value)));
  else fits(typeof value === 'string');
}
