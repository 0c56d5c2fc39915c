import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { isMapping, refusal } from '@murmur/api';

import { guardErrors, maxDepth } from './errors.js';

/** Texts shorter than this are read as a number in no time, however many digits they have. */
const harmlessBytes = 64 * 1024;

/** As 64 bits take, with room for leading zeros. */
const maxDigits = 100;

const wide: readonly ScalarType[] = [ScalarType.INT64, ScalarType.UINT64, ScalarType.SINT64, ScalarType.FIXED64, ScalarType.SFIXED64];

/** As {@link assertWeight}, of a message in JSON. What is no JSON is left to who reads it. */
export function assertJsonWeight(bytes: Uint8Array, schema: DescMessage, maxElements: number): void {
  countElements(bytes, maxElements);
  if (bytes.length > harmlessBytes) refuseLongNumbers(valueOf(bytes), schema);
}

function countElements(bytes: Uint8Array, maxElements: number): void {
  let elements = 0;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case 0x22: // "
        at = endOfString(bytes, at + 1);
        break;
      case 0x5b: // [
      case 0x7b: // {
        elements++;
        depth++;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case 0x2c: // ,
      case 0x3a: // :
        elements++;
        break;
      default:
        break;
    }
    if (elements > maxElements) throw refusal(guardErrors.tooManyElements, [String(maxElements)]);
    if (depth > maxDepth) throw refusal(guardErrors.tooDeep, []);
  }
}

function endOfString(bytes: Uint8Array, start: number): number {
  let at = start;
  for (; at < bytes.length && bytes[at] !== 0x22; at++) if (bytes[at] === 0x5c) at++;
  return at;
}

function valueOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whole numbers of 64 bits may be written as text, which takes quadratic time to read: seconds for as many digits as fit a request. */
function refuseLongNumbers(value: unknown, schema: DescMessage): void {
  if (!isMapping(value)) return;
  for (const field of schema.fields) {
    for (const name of [field.jsonName, field.name]) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined;
      for (const item of Array.isArray(given) ? given : [given]) checkItem(item, field);
    }
  }
}

function checkItem(item: unknown, field: DescField): void {
  if (field.message !== undefined) refuseLongNumbers(item, field.message);
  if (field.scalar === undefined || !wide.includes(field.scalar) || typeof item !== 'string' || item.length <= maxDigits) return;
  throw refusal(guardErrors.notNumber, [field.name]);
}
