import { create, fromJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ImageSchema, RecipeSchema } from '../gen/murmur/api/v1/resources_pb.js';
import { ResourceSchema } from '../gen/murmur/api/v1/catalog_pb.js';
import { readDocument } from './document.js';
import { messageToDocument, printYaml, specOf, specToDocument } from './print.js';

describe('printYaml', () => {
  test('prints a script as a literal block', () => {
    expect(printYaml({ name: 'a', provisioning_script: '#!/bin/bash\necho hi\n', provisioning_timeout: '15m' })).toBe(
      'name: a\nprovisioning_script: |\n  #!/bin/bash\n  echo hi\nprovisioning_timeout: 15m\n',
    );
  });

  test.each([
    'a\r\nb\n',
    '\n',
    '\n\n',
    '  \n',
    '\ta\n b\n',
    '  indented first\nline\n',
    'no end\nhere',
    'a\n\n\n',
    'a \n b',
    '---\nx\n',
    '# a\n',
    'a\u0085b\n',
    'e\u0001\nx',
  ])('keeps %j to the byte', (text) => {
    expect(readDocument(printYaml({ script: text }))).toEqual({ script: text });
  });

  test('quotes what other readers would take for something else', () => {
    expect(printYaml({ a: 'yes', b: '15', c: '' })).toBe('a: "yes"\nb: "15"\nc: ""\n');
  });

  test('reads back as the same value, whatever the texts', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\t', '\r', '#', ':', '-', '"', "'", '|', '\\', '\u2028', '\u0085', '\ufeff') }),
    );
    const value = fc.dictionary(fc.string({ minLength: 1 }), fc.oneof(text, fc.array(text), fc.integer(), fc.boolean()), {
      minKeys: 1,
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(
        value.filter((candidate) => !/\p{Surrogate}|\0/u.test(printYaml(candidate))),
        (candidate) => {
          expect(readDocument(printYaml(candidate))).toEqual(candidate);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('specToDocument', () => {
  test('keeps the fields in the order of the message, with snake_case names and prefixed enums', () => {
    const image = fromJson(ImageSchema, { aws: { amiIds: { 'us-west-2': 'ami-2', 'us-east-1': 'ami-1' } }, architecture: 1, name: 'base' });
    const resource = create(ResourceSchema, { kind: 'image', name: 'base', spec: { case: 'image', value: image } });
    expect(printYaml(specToDocument(resource))).toBe(
      'name: base\narchitecture: ARCHITECTURE_AMD64\naws:\n  ami_ids:\n    us-east-1: ami-1\n    us-west-2: ami-2\n',
    );
    expect(specOf(resource)?.kind).toBe('image');
  });

  test('prints the fields of later substrates where they are declared, not where they are numbered', () => {
    const recipe = create(RecipeSchema, { name: 'r', baseImageQemuRef: 'q', provisioningScript: 's', description: 'd' });
    expect(Object.keys(messageToDocument(RecipeSchema, recipe))).toEqual([
      'name',
      'base_image_qemu_ref',
      'provisioning_script',
      'description',
    ]);
  });

  test('is empty for a resource without a specification', () => {
    expect(specToDocument(create(ResourceSchema, {}))).toEqual({});
  });
});
