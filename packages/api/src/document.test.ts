import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { readDocument, readValue } from './document.js';
import { MurmurError } from './error.js';

function refusal(text: string): string {
  try {
    readDocument(text);
  } catch (error) {
    if (error instanceof MurmurError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('readDocument', () => {
  test('reads YAML and JSON alike', () => {
    const value = { name: 'a', tags: ['x', 'y'], size: 3, on: true, nested: { deep: null } };
    expect(readDocument('name: a\ntags: [x, y]\nsize: 3\non: true\nnested:\n  deep:\n')).toEqual(value);
    expect(readDocument(JSON.stringify(value))).toEqual(value);
    expect(readDocument(JSON.stringify(value, null, '\t'))).toEqual(value);
    expect(readDocument(`\ufeff---\n${JSON.stringify(value, null, 2)}\n...\n`)).toEqual(value);
  });

  test('keeps a script to the byte', () => {
    const { script } = readDocument('script: |\n  #!/bin/bash\n  \techo "a: b" # c  \n\n  exit\n');
    expect(script).toBe('#!/bin/bash\n\techo "a: b" # c  \n\nexit\n');
  });

  test.each<[string, string]>([
    ['', 'the document is empty'],
    ['# only a comment\n', 'the document is empty'],
    ['- a\n- b\n', 'the document must be a mapping'],
    ['just text', 'the document must be a mapping'],
    ['name: a\n---\nname: b\n', 'line 2, column 1: a second document starts here'],
    ['name: a\nsize: 1\nname: b\n', 'line 3, column 1: duplicate key "name"'],
    ['gce:\n  self_link: a\n  self_link: b\n', 'line 3, column 3: duplicate key "self_link"'],
    ['{"name": "a", "name": "b"}', 'line 1, column 15: duplicate key "name"'],
    ['? [a, b]\n: c\n', 'line 1, column 3: a key must be a string'],
    ['name: *x', 'an alias names an anchor that does not exist'],
    ['name: a\0b', 'the document contains a NUL byte'],
    [`a: &a [${'x,'.repeat(20)}]\nb: &b [${'*a,'.repeat(20)}]\nc: [${'*b,'.repeat(20)}]\n`, 'the document uses too many aliases'],
    [`a: ${'['.repeat(20_000)}`, 'the document is nested too deeply'],
    [`a: ${'x'.repeat(2 * 1024 * 1024)}`, 'the document exceeds the 2 MiB limit'],
  ])('refuses %.30j', (text, message) => {
    expect(refusal(text)).toBe(`INVALID_ARGUMENT: ${message}`);
  });

  test.each(['name: "unclosed', 'a: b: c', 'name: a\n  bad: indent', 'a: !!unknown x', 'a: !custom x', '{', '\t- a'])(
    'says where %j is not YAML',
    (text) => {
      expect(refusal(text)).toMatch(/^INVALID_ARGUMENT: line \d+, column \d+: [a-z]/);
    },
  );

  test('takes linear time for many keys', () => {
    const text = Array.from({ length: 50_000 }, (_, index) => `key${index}: 1\n`).join('');
    expect(Object.keys(readDocument(text))).toHaveLength(50_000);
  });

  test('gives a value or a MurmurError for any text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', ':', ' ', '\n', '-', '[', ']', '{', '}', '&', '*', '!', '|', '>', '"', "'", '#', '%', '?', '\t'),
        }),
        (text) => {
          expect(refusal(text)).toMatch(/^(accepted|INVALID_ARGUMENT: .+)$/s);
        },
      ),
      { numRuns: 500 },
    );
  });
});

test.each<[string, unknown]>([
  ['', null],
  ['42', 42],
  ['text with spaces', 'text with spaces'],
  ['"42"', '42'],
  ['[A, B]', ['A', 'B']],
  ['{a: b}', { a: 'b' }],
  ['true', true],
  ['15m', '15m'],
])('readValue reads %j', (text, expected) => {
  expect(readValue(text)).toEqual(expected);
});
