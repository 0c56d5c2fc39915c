import {
  type Image,
  ImageSchema,
  PlacementSchema,
  RecipeSchema,
  type ServiceProfile,
  ServiceProfileSchema,
  WorkspaceSchema,
  EnvironmentSchema,
  MachineTypeSchema,
  readDocument,
} from '@murmur/api';
import type { DescMessage } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { decode } from './decode.js';

function messages(schema: DescMessage, text: string, decoding = {}): string[] {
  return decode(schema, readDocument(text), decoding).faults.map((found) => found.message);
}

describe('decode', () => {
  test('reads snake_case and camelCase names and enums with or without their prefix', () => {
    const image = decode(ImageSchema, readDocument('name: a\narchitecture: ARM64\naws: {amiIds: {us-east-1: ami-1}}\n'));
    expect(image).toMatchObject({
      faults: [],
      message: { name: 'a', architecture: 2, source: { case: 'aws', value: { amiIds: { 'us-east-1': 'ami-1' } } } },
    });
    expect(image.written).toEqual({ name: 'a', architecture: 'ARCHITECTURE_ARM64', aws: { ami_ids: { 'us-east-1': 'ami-1' } } });
  });

  test.each<[DescMessage, string, string]>([
    [RecipeSchema, 'color: red', 'unknown field "color"'],
    [RecipeSchema, '__proto__: {x: 1}', 'unknown field "__proto__"'],
    [RecipeSchema, 'Name: a', 'unknown field "Name"'],
    [ImageSchema, 'source: {gce: {}}', 'unknown field "source"'],
    [ImageSchema, 'gce: {self_lnk: a}', 'unknown field "gce.self_lnk"'],
    [ImageSchema, 'gce: {provenance: {recipe: a}}', 'unknown field "gce.provenance.recipe"'],
    [ImageSchema, 'aws: {ami_ids: {__proto__: a}}', 'unknown field "aws.ami_ids.__proto__"'],
    [ImageSchema, 'aws: {ami_ids: {"us\\0": a}}', 'aws.ami_ids key: must not contain NUL characters'],
    [ImageSchema, '{"aws": {"ami_ids": {"\\ud800": "a"}}}', 'aws.ami_ids key: must be valid Unicode'],
    [WorkspaceSchema, 'repos: [{}, {url: a}]', 'unknown field "repos[1].url"'],
    [ImageSchema, 'gce: {self_link: a, selfLink: b}', 'duplicate field "gce.self_link"'],
    [RecipeSchema, 'name: 5', 'name: expected string'],
    [RecipeSchema, 'name: true', 'name: expected string'],
    [RecipeSchema, 'name: [a]', 'name: expected string'],
    [RecipeSchema, 'name: {a: b}', 'name: expected string'],
    [RecipeSchema, 'provisioning_timeout: [1m]', 'provisioning_timeout: expected string'],
    [RecipeSchema, 'secret_allowlist: TOKEN', 'secret_allowlist: expected list'],
    [RecipeSchema, 'secret_allowlist: [A, 5]', 'secret_allowlist[1]: expected string'],
    [RecipeSchema, 'secret_allowlist: [~]', 'secret_allowlist[0]: expected string'],
    [ImageSchema, 'gce: link', 'gce: expected mapping'],
    [ImageSchema, 'aws: [a]', 'aws: expected mapping'],
    [ImageSchema, 'aws: {ami_ids: [a]}', 'aws.ami_ids: expected mapping'],
    [ImageSchema, 'aws: {ami_ids: {us-east-1: 5}}', 'aws.ami_ids[us-east-1]: expected string'],
    [ImageSchema, 'architecture: 1', 'architecture: expected string'],
    [ImageSchema, 'architecture: SPARC', 'unknown architecture value'],
    [EnvironmentSchema, 'substrate: SPARC', 'unknown substrate value'],
    [EnvironmentSchema, 'disk_size_gb: "20"', 'disk_size_gb: expected number'],
    [EnvironmentSchema, 'disk_size_gb: 1.5', 'disk_size_gb: expected whole number'],
    [EnvironmentSchema, 'disk_size_gb: 1e12', 'disk_size_gb: number out of range'],
    [EnvironmentSchema, 'disk_size_gb: .inf', 'disk_size_gb: expected number'],
    [MachineTypeSchema, 'memory_gb: plenty', 'memory_gb: expected number'],
    [PlacementSchema, 'gcp: {assign_public_ip: "yes"}', 'gcp.assign_public_ip: expected boolean'],
    [RecipeSchema, 'provisioning_script: "a\\0b"', 'provisioning_script: must not contain NUL characters'],
    [RecipeSchema, 'provisioning_script: "\\ud800"', 'provisioning_script: must be valid Unicode'],
  ])('%#: %s', (schema, text, message) => {
    expect(messages(schema, text)).toEqual([message]);
  });

  test('a number is an invalid duration where a duration belongs', () => {
    expect(messages(RecipeSchema, 'provisioning_timeout: 15', { durations: ['provisioning_timeout'] })).toEqual([
      'provisioning_timeout: invalid duration',
    ]);
  });

  test('reports everything that cannot be read, in the order of the document', () => {
    expect(messages(ImageSchema, 'x: 1\nname: 2\ngce: {y: 3}\n')).toEqual([
      'unknown field "x"',
      'name: expected string',
      'unknown field "gce.y"',
    ]);
  });

  test('reads members of a oneof at the root or below its name, where the kind says so', () => {
    const decoding = { nestedOneof: 'target' };
    const expected = { target: { case: 'gcp', value: { project: 'a' } } };
    expect(decode(PlacementSchema, readDocument('gcp: {project: a}'), decoding).message).toMatchObject(expected);
    expect(decode(PlacementSchema, readDocument('target: {gcp: {project: a}}'), decoding).message).toMatchObject(expected);
    expect(messages(PlacementSchema, 'target: {moon: {}}', decoding)).toEqual(['unknown field "target.moon"']);
    expect(messages(PlacementSchema, 'target: gcp', decoding)).toEqual(['target: expected mapping']);
    expect(messages(PlacementSchema, 'target: {gcp: {}}\ngcp: {}', decoding)).toEqual(['duplicate field "gcp"']);
  });

  test('leaves out members of a oneof that exclude each other, but keeps that they were written', () => {
    const { message, written, faults } = decode(ImageSchema, readDocument('gce: {}\ndocker: {provenance: {}}\n'));
    expect(faults).toEqual([]);
    expect((message as Image).source.case).toBeUndefined();
    expect(written).toEqual({ gce: {}, docker: { provenance: {} } });
  });

  test('does so also below the root', () => {
    const { message, written } = decode(ServiceProfileSchema, readDocument('grants: [{user: a}, {user: a, group: b}]'));
    expect((message as ServiceProfile).grants.map(({ grantee }) => grantee.case)).toEqual(['user', undefined]);
    expect(written).toEqual({ grants: [{ user: 'a' }, { user: 'a', group: 'b' }] });
  });

  test('gives a message or faults for any document', () => {
    const key = fc.constantFrom(
      'name',
      'gce',
      'aws',
      'ami_ids',
      'selfLink',
      'provenance',
      'architecture',
      'repos',
      '__proto__',
      'toString',
      '',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.dictionary(
        key,
        fc.oneof(
          { maxDepth: 3 },
          fc.string(),
          fc.integer(),
          fc.constant(null),
          fc.boolean(),
          fc.array(tie('tree'), { maxLength: 2 }),
          tie('tree'),
        ),
        { maxKeys: 4 },
      ),
    }));
    fc.assert(
      fc.property(tree, (document) => {
        const { faults } = decode(ImageSchema, document as Record<string, unknown>);
        for (const found of faults)
          expect(found.message).toMatch(
            /^unknown (field ".*"|architecture value)$|^duplicate field|: expected (string|mapping)$|: must be valid Unicode$|NUL/s,
          );
      }),
    );
  });
});
