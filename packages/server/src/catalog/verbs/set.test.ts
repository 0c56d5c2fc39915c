import { timestampDate } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from 'vitest';

import { type TestCatalog, refusal, refused, withNewTenants } from '../testing.js';
import { getResource, setResource } from './index.js';

let catalog: TestCatalog;
withNewTenants((own) => (catalog = own));

function image(name: string, description = ''): string {
  return `name: ${name}\ndescription: "${description}"\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n`;
}

describe('set', () => {
  test('creates generation 1 and then one more for every change, with author and times', async () => {
    const times = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-02T00:00:00Z')];
    for (const [index, time] of times.entries()) {
      const context = {
        ...catalog.context,
        identity: { tenant: catalog.context.identity.tenant, subject: `author-${index}` },
        now: () => time,
      };
      const { resource, changed } = await setResource(context, { kind: 'image', name: 'a', document: image('a', `${index}`), fields: [] });
      expect(changed).toBe(true);
      expect(resource).toMatchObject({
        kind: 'image',
        name: 'a',
        generation: BigInt(index + 1),
        author: `author-${index}`,
        builtin: false,
      });
    }
    const stored = await catalog.get('image', 'a');
    expect(stored.createTime && timestampDate(stored.createTime)).toEqual(times[0]);
    expect(stored.updateTime && timestampDate(stored.updateTime)).toEqual(times[1]);
  });

  test('replaces the whole document', async () => {
    await catalog.set('image', 'a', image('a', 'first'));
    await catalog.set('image', 'a', 'name: a\narchitecture: ARM64\ndocker: {image_ref: debian}\n');
    expect(await catalog.print('image', 'a')).toBe('name: a\narchitecture: ARCHITECTURE_ARM64\ndocker:\n  image_ref: debian\n');
  });

  test('changes nothing when the document says what is there, however it is written', async () => {
    await catalog.set('image', 'a', image('a'));
    const json = '{"gce": {"selfLink": "projects/acme/global/images/debian"}, "architecture": "ARCHITECTURE_AMD64", "name": "a"}';
    const { resource, changed } = await catalog.set('image', 'a', json);
    expect([changed, resource.generation]).toEqual([false, 1n]);
  });

  test('puts field values into the document before it is read', async () => {
    const document = 'name: r\nbase_image_gce_ref: murmur-gce-base\nprovisioningScript: none\nprovisioning_timeout: 1m\n';
    const script = '#!/bin/bash\n\techo "héllo"  \r\n\n';
    const fields = [{ path: 'provisioning_script', value: { case: 'text' as const, value: script } }];
    await setResource(catalog.context, { kind: 'recipe', name: 'r', document, fields });
    const { resource } = await getResource(catalog.context, { kind: 'recipe', name: 'r', generation: 0n });
    expect(resource.spec.case === 'recipe' && resource.spec.value.provisioningScript).toBe(script);
    const unknown = [{ path: 'script', value: { case: 'text' as const, value: script } }];
    expect(await refused(setResource(catalog.context, { kind: 'recipe', name: 'r', document, fields: unknown }))).toBe(
      'INVALID_ARGUMENT: unknown field "script"',
    );
  });

  test('reports every fault: first what cannot be read, then in the order of the table', async () => {
    const error = await refusal(
      catalog.set(
        'recipe',
        'r',
        'description: 5\nprovisioning_timeout: 2h\nbase_image_gce_ref: nothing\nsecret_allowlist: [a, MURMUR_B]\n',
      ),
    );
    expect(error.faults.map((found) => found.message)).toEqual([
      'description: expected string',
      'name is required',
      'provisioning_script is required',
      'provisioning_timeout exceeds 1h maximum',
      'secret_allowlist[0]: secret name must match [A-Z][A-Z0-9_]*',
      'secret_allowlist[1]: secret name is reserved (MURMUR_*)',
      'base_image_gce_ref "nothing" does not exist',
    ]);
    expect(error.message).toBe('description: expected string');
    expect(error.faults.map((found) => found.path)).toContain('secret_allowlist[1]');
  });

  test('does not also report as missing what could not be read', async () => {
    const error = await refusal(
      catalog.set('recipe', 'r', 'name: 5\nbase_image_gce_ref: murmur-gce-base\nprovisioning_script: a\nprovisioning_timeout: 15\n'),
    );
    expect(error.faults.map((found) => found.message)).toEqual(['name: expected string', 'provisioning_timeout: invalid duration']);
  });

  test('says where to look the fields up when one is unknown', async () => {
    const error = await refusal(catalog.set('image', 'a', `${image('a')}colour: red\n`));
    expect([error.message, error.hint]).toEqual(['unknown field "colour"', '"murmur describe image" lists the fields and their types.']);
  });

  test('refuses names the database cannot hold', async () => {
    expect(await refused(catalog.set('image', 'a\0', image('a')))).toBe('INVALID_ARGUMENT: name must not contain NUL characters');
  });

  test('refuses documents that are not one YAML mapping', async () => {
    expect(await refused(catalog.set('image', 'a', `${image('a')}---\n${image('a')}`))).toBe(
      'INVALID_ARGUMENT: line 5, column 1: a second document starts here',
    );
    expect(await refused(catalog.set('image', 'a', `${image('a')}name: a\n`))).toBe(
      'INVALID_ARGUMENT: line 5, column 1: duplicate key "name"',
    );
  });
});

describe('a document that says what it was read from', () => {
  test('is written only over the generation that it says', async () => {
    await catalog.set('image', 'a', `kind: image\n${image('a', 'first')}`);
    await catalog.set('image', 'a', `kind: image\n${image('a', 'second')}generation: 1\n`);
    const stale = await refusal(catalog.set('image', 'a', `${image('a', 'third')}generation: 1\n`));
    expect([stale.code, stale.message]).toEqual(['ABORTED', 'image "a" is at generation 2, not 1']);
    expect(stale.hint).toContain('murmur get image a -o yaml');
    expect(await catalog.print('image', 'a')).toContain('second');
    expect(await refused(catalog.set('image', 'b', `${image('b')}generation: 1\n`))).toBe('ABORTED: image "b" is at generation 0, not 1');
  });

  test.each([
    ['kind: recipe', 'kind "recipe" does not match "image"'],
    ['kind: 3', 'kind: expected string'],
    ['generation: soon', 'generation: expected whole number'],
    ['generation: -1', 'generation: expected whole number'],
    ['generation: 1.5', 'generation: expected whole number'],
  ])('is refused with %j', async (line, message) => {
    expect(await refused(catalog.set('image', 'a', `${image('a')}${line}\n`))).toBe(`INVALID_ARGUMENT: ${message}`);
  });
});
