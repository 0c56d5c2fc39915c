import { beforeEach, describe, expect, test } from 'vitest';

import { type TestCatalog, refusal, refused, withNewTenants } from '../testing.js';

let catalog: TestCatalog;
withNewTenants((own) => (catalog = own));

describe('patch', () => {
  beforeEach(async () => {
    await catalog.set('image', 'a', 'name: a\ndescription: old\narchitecture: AMD64\naws: {ami_ids: {us-east-1: ami-01234567}}\n');
  });

  test('changes only the named fields', async () => {
    const { resource, changed } = await catalog.patch('image', 'a', { description: 'new', 'aws.ami_ids.us-west-2': 'ami-76543210' });
    expect([changed, resource.generation]).toEqual([true, 2n]);
    expect(await catalog.print('image', 'a')).toBe(
      'name: a\ndescription: new\narchitecture: ARCHITECTURE_AMD64\naws:\n  ami_ids:\n    us-east-1: ami-01234567\n    us-west-2: ami-76543210\n',
    );
    expect((await catalog.patch('image', 'a', { description: 'new' })).changed).toBe(false);
  });

  test('refuses paths that name no field, all of them', async () => {
    const error = await refusal(catalog.patch('image', 'a', { colour: 'red', 'aws.ami': 'x', description: 'y' }));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.faults.map((found) => found.message)).toEqual([
      'unknown field path "colour" in update mask',
      'unknown field path "aws.ami" in update mask',
    ]);
    expect(await refused(catalog.patch('image', 'a', { aws: '{ami: x}' }))).toBe(
      'INVALID_ARGUMENT: unknown field path "aws.ami" in update mask',
    );
  });

  test('checks the result as a whole', async () => {
    expect(await refused(catalog.patch('image', 'a', { description: '5' }))).toBe('INVALID_ARGUMENT: description: expected string');
    expect(await refused(catalog.patch('image', 'a', { 'aws.ami_ids.us-east-1': '~' }))).toBe(
      'INVALID_ARGUMENT: aws.ami_ids must be non-empty',
    );
    expect(await refused(catalog.patch('image', 'a', { name: 'b' }))).toBe('INVALID_ARGUMENT: name "b" does not match "a"');
    expect(await refused(catalog.patch('image', 'a', { 'docker.image_ref': 'debian' }))).toBe(
      'INVALID_ARGUMENT: source is required (aws, gce, or docker)',
    );
    expect(await refused(catalog.patch('image', 'b', { description: 'x' }))).toBe('NOT_FOUND: image "b" not found');
    expect(await refused(catalog.patch('image', 'a', {}))).toBe('INVALID_ARGUMENT: a patch needs at least one field');
    expect((await catalog.get('image', 'a')).generation).toBe(1n);
  });

  test('moves an image to another source in one patch', async () => {
    await catalog.patch('image', 'a', { aws: '~', 'docker.image_ref': 'debian' });
    expect((await catalog.get('image', 'a')).spec.value).toMatchObject({ source: { case: 'docker' } });
  });
});
