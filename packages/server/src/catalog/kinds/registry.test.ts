import { MurmurError, ResourceSchema, kindNames, readDocument } from '@murmur/api';
import { describe, expect, test } from 'vitest';

import { addressOf } from '../address.js';
import { type Reader, everything } from '../context.js';
import { decode } from '../decode.js';
import { fieldNamed } from '../decode.js';
import { fieldsOf } from '../testing-documents.js';
import { kindNamed, kinds } from './index.js';

const reader: Reader = { tenant: 'local/default', permits: everything };

describe('the registry of kinds', () => {
  test('has every kind of the API, once', () => {
    expect(kinds.map((kind) => kind.name).toSorted()).toEqual([...kindNames].toSorted());
  });

  test.each(kinds)('$name: its schema is that of the Resource message', (kind) => {
    const field = ResourceSchema.fields.find((candidate) => candidate.name === kind.name.replaceAll('-', '_'));
    expect(field?.message?.typeName).toBe(kind.schema.typeName);
    expect(fieldNamed(kind.schema, 'name')?.fieldKind).toBe('scalar');
  });

  test.each(kinds)('$name: documents every field its message has, and no other', (kind) => {
    const documented = kind.fields.map(({ path, type }) => `${path}: ${type}`);
    const expected = fieldsOf(kind.schema).map(({ path, type }) => `${path}: ${type}`);
    expect(documented.toSorted()).toEqual([...new Set(expected)].toSorted());
  });

  test.each(kinds)('$name: names only values that its enums have', (kind) => {
    const enums = new Map(fieldsOf(kind.schema).map(({ path, field }) => [path, field.enum?.values.map((value) => value.name)]));
    for (const { path, description } of kind.fields) {
      const values = /Values: ([A-Z0-9_, ]+)\./.exec(description)?.[1]?.split(', ') ?? [];
      expect(enums.get(path) ?? []).toEqual(expect.arrayContaining(values));
      expect(values.length > 0).toBe(enums.get(path) !== undefined);
    }
  });

  test.each(kinds)('$name: its example reads without a fault', (kind) => {
    expect(decode(kind.schema, readDocument(kind.example), kind.decoding).faults).toEqual([]);
  });

  test.each(kinds)('$name: its errors and fields say something, each error once', (kind) => {
    const rows = Object.values(kind.errors);
    expect(new Set(rows.map((row) => row.documented)).size).toBe(rows.length);
    for (const text of [kind.summary, ...rows.map((row) => row.hint), ...kind.fields.map((field) => field.description)]) {
      expect(text).toMatch(/\.$/);
      expect(text).not.toContain('](');
    }
  });

  test.each(kinds)('$name: its fields and its errors tell the same limits and patterns', (kind) => {
    const errors = Object.values(kind.errors).map((row) => row.documented);
    const descriptions = kind.fields.map((field) => field.description).join(' ');
    const patterns = [...descriptions.matchAll(/`([^`]*\[[^`]*\][^`]*)`/g)].map(([, pattern = '']) => pattern);
    for (const pattern of patterns) expect(errors).toContainEqual(expect.stringContaining(`must match ${pattern}`));
    for (const said of errors.flatMap(limitsIn)) expect(descriptions).toContain(said);
  });

  test('has one kind with sealed values, which are kept by tenant and name alone', () => {
    expect(kinds.filter((kind) => kind.sealedField !== undefined).map((kind) => kind.name)).toEqual(['secret']);
  });

  test('refuses a kind that does not exist and lists those that do', () => {
    let thrown: unknown;
    try {
      kindNamed('volcano');
    } catch (error) {
      thrown = error;
    }
    const { code, message, hint } = MurmurError.from(thrown);
    expect(`${code}: ${message}`).toBe('INVALID_ARGUMENT: unknown kind "volcano"');
    expect(hint).toBe(`The kinds are ${kinds.map((kind) => kind.name).join(', ')}.`);
  });

  test('takes machine and disk types without their prefix for the builtins', () => {
    expect(addressOf(kindNamed('machine-type'), reader, 'n2-standard-8')).toEqual({
      tenant: 'murmur/platform',
      kind: 'machine-type',
      name: 'murmur-n2-standard-8',
    });
    expect(addressOf(kindNamed('environment'), reader, 'qemu-small')?.tenant).toBe('local/default');
  });
});

/** What an error tells of limits and patterns, in the words of a field's description. */
function limitsIn(error: string): string[] {
  const [, count, unit] = /exceeds (\d+) (KiB|byte|character) limit$/.exec(error) ?? [];
  const [, longest] = /exceeds (\S+) maximum$/.exec(error) ?? [];
  const [, pattern] = /must match (\S+)$/.exec(error) ?? [];
  return [
    ...(count === undefined ? [] : [`Max ${count} ${unit}`]),
    ...(longest === undefined ? [] : [`Max \`${longest}\``]),
    ...(pattern === undefined ? [] : [`\`${pattern}\``]),
  ];
}
