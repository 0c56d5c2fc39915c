import { isVisible } from '../wire/late.js';
import type { Call } from './call.js';
import { ApiError, notFound } from './errors.js';
import { count, list, required, structures, type Parameters } from './parameters.js';
import type { Settings } from './settings.js';
import type { Thing } from './world.js';

/** What a filter's values are compared with, by the filter's name. */
export type Fields = { readonly [filter: string]: string | number | boolean | readonly string[] | undefined };

/** How things of one sort are listed. */
export interface Listing<T extends Thing> {
  readonly what: string;
  readonly notFoundCode: string;
  /** The parameter that names ids. */
  readonly ids: string;
  fields(thing: T): Fields;
}

/** One page of a list, and where the next one begins. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken: string | undefined;
}

/** Whether a thing can be seen by this call yet. */
export function isSeen(thing: Thing, { clock, reader, settings }: Call): boolean {
  return isVisible(thing.bornAt, clock.now(), reader, settings);
}

/** The things that a request asks for: by id, by filters, page by page. */
export function listThings<T extends Thing>(all: Iterable<T>, call: Call, listing: Listing<T>): Page<T> {
  const { parameters, settings } = call;
  const visible = [...all].filter((thing) => isSeen(thing, call));
  const ids = list(parameters, listing.ids);
  const missing = ids.filter((id) => !visible.some((thing) => thing.id === id));
  if (missing.length > 0) throw notFound(listing.notFoundCode, listing.what, missing);
  const filters = structures(parameters, 'Filter').map((filter) => ({ name: required(filter, 'Name'), values: list(filter, 'Value') }));
  const matching = visible
    .filter((thing) => ids.length === 0 || ids.includes(thing.id))
    .filter((thing) => filters.every(({ name, values }) => passes(thing, listing.fields(thing), name, values)));
  return page(matching, parameters, settings, ids.length > 0);
}

function page<T>(items: readonly T[], parameters: Parameters, { pageSize }: Settings, byId: boolean): Page<T> {
  const asked = count(parameters, 'MaxResults');
  if (asked !== undefined && byId) {
    throw new ApiError('InvalidParameterCombination', 'The parameter MaxResults cannot be used together with ids');
  }
  if (asked !== undefined && (asked < 5 || asked > 1000)) {
    throw new ApiError(
      'InvalidParameterValue',
      `Value ( ${asked} ) for parameter maxResults is invalid. Expecting a value from 5 to 1000.`,
    );
  }
  const token = parameters.get('NextToken');
  const start = token === undefined || token === '' ? 0 : Number(/^page-(\d+)$/.exec(Buffer.from(token, 'base64url').toString())?.[1]);
  if (Number.isNaN(start)) throw new ApiError('InvalidNextToken', `The token '${token}' is invalid`);
  const end = start + Math.min(asked ?? 1000, pageSize);
  return {
    items: items.slice(start, end),
    nextToken: end < items.length ? Buffer.from(`page-${end}`).toString('base64url') : undefined,
  };
}

function passes(thing: Thing, fields: Fields, name: string, values: readonly string[]): boolean {
  const actual = valuesOf(thing, fields, name);
  return values.some((value) => actual.some((one) => like(value).test(one)));
}

function valuesOf(thing: Thing, fields: Fields, name: string): readonly string[] {
  if (name === 'tag-key') return [...thing.tags.keys()];
  if (name.startsWith('tag:')) {
    const value = thing.tags.get(name.slice(4));
    return value === undefined ? [] : [value];
  }
  if (!(name in fields)) throw new ApiError('InvalidParameterValue', `The filter '${name}' is invalid`);
  const value = fields[name];
  if (value === undefined) return [];
  return typeof value === 'object' ? value : [String(value)];
}

/** A filter's value, in which `*` and `?` stand for anything and for one character. */
function like(value: string): RegExp {
  const source = value
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}
