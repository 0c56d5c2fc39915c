import { ImageSchema, MurmurError, PlacementSchema, RecipeSchema, WorkspaceSchema } from '@murmur/api';
import { describe, expect, test } from 'vitest';

import { assign, readAssignments } from './field-path.js';
import { yamlFields } from './testing.js';

describe('assign', () => {
  test('sets fields by dotted path, in either spelling, where the document has them already', () => {
    const document: Record<string, unknown> = { name: 'a', provisioningScript: 'old' };
    expect(assign(RecipeSchema, document, [{ path: 'provisioning_script', value: 'new' }])).toEqual([]);
    expect(document).toEqual({ name: 'a', provisioningScript: 'new' });
  });

  test('makes the mappings on the way, and names entries of maps by their key, dots included', () => {
    const document: Record<string, unknown> = { aws: null };
    const values = readAssignments(yamlFields({ 'aws.ami_ids.us-east-1': 'ami-1', 'aws.amiIds.x.y': 'ami-2', 'gce.selfLink': 'link' }));
    expect(assign(ImageSchema, document, values)).toEqual([]);
    expect(document).toEqual({ aws: { ami_ids: { 'us-east-1': 'ami-1', 'x.y': 'ami-2' } }, gce: { self_link: 'link' } });
  });

  test('removes what is set to null', () => {
    const document = { description: 'a', aws: { ami_ids: { a: '1', b: '2' } } };
    assign(ImageSchema, document, readAssignments(yamlFields({ description: '', 'aws.ami_ids.a': '~' })));
    expect(document).toEqual({ aws: { ami_ids: { b: '2' } } });
  });

  test('reads values as YAML, or takes them as they are', () => {
    const fields = [
      ...yamlFields({ secret_allowlist: '[A, B]' }),
      { path: 'provisioning_script', value: { case: 'text' as const, value: '[A]\n' } },
    ];
    expect(readAssignments(fields)).toEqual([
      { path: 'secret_allowlist', value: ['A', 'B'] },
      { path: 'provisioning_script', value: '[A]\n' },
    ]);
    expect(() => readAssignments(yamlFields({ description: '"open' }))).toThrow(MurmurError);
    expect(() => readAssignments(yamlFields({ description: '"open' }))).toThrow(/^description: line 1, column \d+: /);
  });

  test('finds the members of a nested oneof under both of their paths', () => {
    const decoding = { nestedOneof: 'target' };
    const flat: Record<string, unknown> = { gcp: {} };
    const nested: Record<string, unknown> = { target: { gcp: {} } };
    for (const document of [flat, nested]) assign(PlacementSchema, document, [{ path: 'target.gcp.project', value: 'p' }], decoding);
    expect(flat).toEqual({ gcp: { project: 'p' } });
    expect(nested).toEqual({ target: { gcp: { project: 'p' } } });
  });

  test('returns the paths that name no field', () => {
    const paths = ['x', '', 'name.first', 'gce.x', 'gce.', '.gce', 'architecture.x', '__proto__.x'];
    expect(
      assign(
        ImageSchema,
        {},
        paths.map((path) => ({ path, value: 'v' })),
      ),
    ).toEqual(paths);
    expect(assign(WorkspaceSchema, {}, [{ path: 'repos.0.base_branch', value: 'v' }])).toEqual(['repos.0.base_branch']);
  });
});
