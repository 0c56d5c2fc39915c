import { type DescEnum, type JsonValue, ScalarType } from '@bufbuild/protobuf';

/** A value as protobuf JSON, or what is wrong with it. */
export type Read = { readonly value: JsonValue } | { readonly problem: string };

const int32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };

/** Reads one value of a scalar type, without converting between types: a number is not a string. */
export function readScalar(type: ScalarType, value: unknown, path: string): Read {
  if (type === ScalarType.STRING) return readString(value, path);
  if (type === ScalarType.BOOL) return typeof value === 'boolean' ? { value } : { problem: `${path}: expected boolean` };
  if (typeof value !== 'number' || !Number.isFinite(value)) return { problem: `${path}: expected number` };
  if (type === ScalarType.DOUBLE || type === ScalarType.FLOAT) return { value };
  if (!Number.isInteger(value)) return { problem: `${path}: expected whole number` };
  const bounds = type === ScalarType.INT32 ? int32 : { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
  if (value < bounds.min || value > bounds.max) return { problem: `${path}: number out of range` };
  return { value };
}

/** Reads an enum value's name, with or without its prefix. The message about an unknown one says `unknown <field> value`. */
export function readEnum(type: DescEnum, fieldName: string, value: unknown, path: string): Read {
  if (typeof value !== 'string') return { problem: `${path}: expected string` };
  if (value === '') return { value: 0 };
  const prefix = type.sharedPrefix?.toUpperCase() ?? '';
  const known = type.values.find(({ name }) => name === value || name === `${prefix}${value}`);
  return known === undefined ? { problem: `unknown ${fieldName} value` } : { value: known.name };
}

function readString(value: unknown, path: string): Read {
  if (typeof value !== 'string') return { problem: `${path}: expected string` };
  // The database can store neither.
  if (value.includes('\0')) return { problem: `${path}: must not contain NUL characters` };
  if (/\p{Surrogate}/u.test(value)) return { problem: `${path}: must be valid Unicode` };
  return { value };
}
