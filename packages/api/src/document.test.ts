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
    [`a: ${'['.repeat(300)}${']'.repeat(300)}`, 'the document is nested too deeply'],
    [Array.from({ length: 150 }, (_, index) => `${' '.repeat(index)}a:\n`).join(''), 'the document is nested too deeply'],
    [`a: ${'x'.repeat(10 * 1024 * 1024)}`, 'the document exceeds the 2 MiB limit'],
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

  test('takes documents of many fields and long texts, each in linear time', () => {
    const keys = Array.from({ length: 10_000 }, (_, index) => `key${index}: 1\n`).join('');
    expect(Object.keys(readDocument(keys))).toHaveLength(10_000);
    const script = '  echo "a: b"\n'.repeat(100_000);
    expect(String(readDocument(`name: a\nscript: |\n${script}`)['script'])).toHaveLength(12 * 100_000);
  });

  // Each of them takes many seconds, or hours, to read to its end.
  test.each<[string, string]>([
    ['fields', Array.from({ length: 100_000 }, (_, index) => `k${index}: 1\n`).join('')],
    ['list items', `a:\n${'- 1\n'.repeat(400_000)}`],
    ['brackets', `a: [${'[],'.repeat(500_000)}]`],
    ['comments', '# x\n'.repeat(400_000)],
    ['lines', '\n'.repeat(2_000_000)],
  ])('gives up early on a document of too many %s', (_, text) => {
    expect(refusal(text)).toBe('INVALID_ARGUMENT: the document has too many fields');
  });

  test.each<[string, string]>([
    ['anchors and aliases', `a:\n${Array.from({ length: 20_000 }, (_, index) => `- &a${index} 1\n- *a${index}\n`).join('')}`],
    ['anchors on one value', `a: ${'&a '.repeat(100_000)}`],
    ['tags', `a: [${'!!str a, '.repeat(100_000)}]`],
  ])('gives up early on too many %s', (_, text) => {
    expect(refusal(text)).toBe('INVALID_ARGUMENT: the document uses too many aliases');
  });

  test('takes Windows line ends and a byte order mark', () => {
    expect(readDocument('\ufeffname: a\r\nscript: |\r\n  one\r\n  two\r\n')).toEqual({ name: 'a', script: 'one\ntwo\n' });
    expect(refusal('name: a\r\nsize: 1\r\nname: b\r\n')).toBe('INVALID_ARGUMENT: line 3, column 1: duplicate key "name"');
  });

  test('counts lines from where the document was cut out', () => {
    expect(() => readDocument('name: a\nname: b\n', { firstLine: 40 })).toThrow('line 41, column 1: duplicate key "name"');
  });

  test('reads YAML 1.2, whatever a directive says', () => {
    expect(readDocument('%YAML 1.2\n---\na: on\nb: 2001-01-01\n')).toEqual({ a: 'on', b: '2001-01-01' });
    expect(readDocument('script: |\n  *not an alias\n  %not a directive\n')).toEqual({ script: '*not an alias\n%not a directive\n' });
    expect(refusal('%YAML 1.1\n---\na: on\n')).toBe('INVALID_ARGUMENT: the directive "%YAML 1.1" is not supported');
  });

  test.each(['!', '|', '>', '"a" ', '*', '%', '@', '`', '"\\', '&a &', '{', '['])('never repeats a value it cannot read: %s…', (start) => {
    expect(refusal(`name: a\npassword: ${start}hunter2-hunter2`)).not.toContain('hunter2');
  });

  test.each(['%hunter2', '%YAML 1.1 hunter2', 'a: !!hunter2!', 'a: !!?!hunter2:', 'a: "\\uhunter2"', 'a: "x" hunter2', '"a": [\n}hunter2'])(
    'never repeats what it cannot read: %s',
    (text) => {
      expect(refusal(text)).not.toMatch(/h?unter/);
    },
  );

  test('keeps keys that mean something to JavaScript', () => {
    const read = readDocument('__proto__: 1\nconstructor: 2\n');
    expect(Object.entries(read)).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
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
