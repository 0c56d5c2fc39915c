import { createHash } from 'node:crypto';

import { ApiError, invalid } from './errors.js';

/** A JSON object whose content nobody has looked at yet. */
export type Body = { readonly [name: string]: unknown };

/** A request's body; none is an empty object. */
export function parseBody(text: string): Body {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isBody(value)) return value;
  } catch (error) {
    throw new ApiError(400, 'parseError', `Parse Error: ${String(error)}`);
  }
  throw new ApiError(400, 'parseError', 'Parse Error: not an object');
}

/** Whether a value is an object and no list. */
export function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text field; undefined where it is not given. Numbers that are texts on the wire may come as numbers. */
export function textOf(body: Body, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') throw invalid(`resource.${name}`, JSON.stringify(value), 'A text is expected.');
  return value;
}

/** A text field that has to be there. */
export function required(body: Body, name: string): string {
  const value = textOf(body, name);
  if (value === undefined || value === '') throw new ApiError(400, 'required', `Required field 'resource.${name}' not specified`);
  return value;
}

/** A field that is an object; an empty one where it is not given. */
export function objectOf(body: Body, name: string): Body {
  const value = body[name] ?? {};
  if (!isBody(value)) throw invalid(`resource.${name}`, JSON.stringify(value), 'An object is expected.');
  return value;
}

/** A field that is a list of objects; an empty one where it is not given. */
export function listOf(body: Body, name: string): readonly Body[] {
  const value = body[name] ?? [];
  if (!Array.isArray(value) || !value.every((one) => isBody(one))) {
    throw invalid(`resource.${name}`, JSON.stringify(value), 'A list of objects is expected.');
  }
  return value;
}

/** Labels, held to Google's rules. */
export function labelsOf(body: Body): Readonly<Record<string, string>> {
  const labels = objectOf(body, 'labels');
  for (const [key, value] of Object.entries(labels)) {
    if (!/^[a-z][a-z0-9_-]{0,62}$/.test(key)) throw invalid('resource.labels.key', key, 'Label keys match [a-z][a-z0-9_-]{0,62}.');
    if (typeof value !== 'string' || !/^[a-z0-9_-]{0,63}$/.test(value)) {
      throw invalid('resource.labels.value', value, 'Label values match [a-z0-9_-]{0,63}.');
    }
  }
  return labels as Readonly<Record<string, string>>;
}

/** A name, held to Google's rules. */
export function nameOf(body: Body): string {
  const name = required(body, 'name');
  if (/^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) return name;
  throw invalid('resource.name', name, "Must be a match of regex '[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?'");
}

/** What says whether something changed since it was read. */
export function fingerprintOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest().subarray(0, 8).toString('base64');
}
