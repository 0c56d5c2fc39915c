import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { splitDocuments } from './split-documents.js';

describe('splitDocuments', () => {
  it.each<[string, string, [line: number, text: string][]]>([
    ['one document', 'a: 1\nb: 2\n', [[1, 'a: 1\nb: 2\n']]],
    [
      'two documents',
      'a: 1\n---\nb: 2\n',
      [
        [1, 'a: 1'],
        [2, '---\nb: 2\n'],
      ],
    ],
    ['one that begins with a border', '# about\n---\na: 1\n', [[1, '# about\n---\na: 1\n']]],
    ['directives', '%YAML 1.2\n---\na: 1\n', [[1, '%YAML 1.2\n---\na: 1\n']]],
    [
      'ends of documents',
      'a: 1\n...\n---\nb: 2\n...\n',
      [
        [1, 'a: 1\n...'],
        [3, '---\nb: 2\n...'],
      ],
    ],
    ['documents of nothing', '---\n# none\n---\n\n---\na: 1\n---\n', [[5, '---\na: 1']]],
    ['a value beside the border', '--- {a: 1}\n', [[1, '--- {a: 1}\n']]],
    ['what only looks like a border', 'a: |\n  ---\n  ...\nb: "----"\n----: 1\n', [[1, 'a: |\n  ---\n  ...\nb: "----"\n----: 1\n']]],
    [
      'Windows line ends',
      'a: 1\r\n---\r\nb: 2\r\n',
      [
        [1, 'a: 1\r'],
        [2, '---\r\nb: 2\r\n'],
      ],
    ],
    ['nothing at all', '\n# nothing\n', []],
    [
      'a JSON list',
      '[\n  {"a": "]}, {"},\n  {"b": [1, {"c": "\\""}]}\n]\n',
      [
        [2, '  {"a": "]}, {"}'],
        [3, '  {"b": [1, {"c": "\\""}]}'],
      ],
    ],
    [
      'JSON documents in a row',
      '{"a": 1}\n{"b": 2} {"c": 3}',
      [
        [1, '{"a": 1}'],
        [2, '{"b": 2}'],
        [2, '         {"c": 3}'],
      ],
    ],
    ['an empty JSON list', '[]', []],
    ['braces that are YAML', '{a: 1}: x\n', [[1, '{a: 1}: x\n']]],
    ['a JSON list that never ends', '[{"a": 1}', [[1, '[{"a": 1}']]],
    ['a JSON list of anything', '[1, {}]', [[1, '[1, {}]']]],
  ])('finds %s', (_, text, expected) => {
    expect(splitDocuments(text).map((document) => [document.line, document.text])).toEqual(expected);
  });

  it('cuts a JSON list where JSON itself would', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), fc.constantFrom(0, 1, 2), (documents, indent) => {
        const text = JSON.stringify(documents, undefined, indent);
        expect(splitDocuments(text).map((document): unknown => JSON.parse(document.text))).toEqual(JSON.parse(text));
      }),
    );
  });
});
