import { describe, expect, test } from 'vitest';

import { MurmurError } from '@murmur/api';
import type { CatalogContext } from '../context.js';
import { type TestCatalog, refusal, refused, withNewTenants, yamlFields } from '../testing.js';
import { patchResource, removeResource, setResource } from './index.js';

let catalog: TestCatalog;
withNewTenants((own) => (catalog = own));

const image = (description: string) =>
  `name: a\ndescription: "${description}"\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n`;

describe('a write that says which generation it has read', () => {
  const set = async (description: string, ifGeneration: bigint, context = catalog.context) =>
    setResource(context, { kind: 'image', name: 'a', document: image(description), fields: [], ifGeneration });
  const patch = async (description: string, ifGeneration: bigint) =>
    patchResource(catalog.context, { kind: 'image', name: 'a', fields: yamlFields({ description }), ifGeneration });
  const remove = async (ifGeneration: bigint) => removeResource(catalog.context, { kind: 'image', name: 'a', ifGeneration });

  test('is done when that is the newest, and refused when it is not', async () => {
    expect(await refused(set('x', 1n))).toBe('ABORTED: image "a" is at generation 0, not 1');
    expect((await set('first', 0n)).resource.generation).toBe(1n);
    expect(await refused(set('x', 0n))).toBe('ABORTED: image "a" is at generation 1, not 0');
    expect((await patch('second', 1n)).resource.generation).toBe(2n);
    expect(await refused(patch('x', 1n))).toBe('ABORTED: image "a" is at generation 2, not 1');
    expect(await refused(remove(1n))).toBe('ABORTED: image "a" is at generation 2, not 1');
    expect((await catalog.get('image', 'a')).spec.value?.description).toBe('second');
    await remove(2n);
    expect(await refused(remove(2n))).toBe('ABORTED: image "a" is at generation 0, not 2');
    expect((await set('again', 0n)).resource.generation).toBe(4n);
  });

  test('is told to read again', async () => {
    await set('first', 0n);
    expect((await refusal(set('x', 3n))).hint).toContain('read it again with "murmur get image a -o yaml"');
  });

  test('is refused when that can be no generation', async () => {
    expect(await refused(set('x', -1n))).toBe('INVALID_ARGUMENT: if_generation must be non-negative');
  });

  test('is told nothing of the generation unless it may be done', async () => {
    await set('first', 0n);
    expect(await refused(set('x', 7n, holding('image.create')))).toBe('PERMISSION_DENIED: missing permission image.edit');
  });
});

describe('set', () => {
  const set = async (name: string, ...permissions: string[]) => {
    const request = { kind: 'image', name, document: image(name).replace('name: a', `name: ${name}`), fields: [] };
    return setResource(holding(...permissions), request);
  };

  test('takes create for what is absent and edit for what is there', async () => {
    await catalog.set('image', 'a', image('first'));
    expect((await set('a', 'image.edit')).resource.generation).toBe(2n);
    expect((await set('b', 'image.create')).resource.generation).toBe(1n);
    expect(await refused(set('a', 'image.create'))).toBe('PERMISSION_DENIED: missing permission image.edit');
    expect(await refused(set('c', 'image.edit'))).toBe('PERMISSION_DENIED: missing permission image.create');
  });

  test('answers whoever holds neither the same for both', async () => {
    await catalog.set('image', 'a', image('first'));
    for (const name of ['a', 'b']) expect(await refused(set(name, 'image.read'))).toBe('PERMISSION_DENIED: missing permission image.edit');
  });
});

function holding(...held: string[]): CatalogContext {
  const holds = (permission: string) => held.includes(permission);
  return {
    ...catalog.context,
    permits: {
      holds,
      usesHost: true,
      namesFor: (permission) => (holds(permission) ? ['*'] : []),
      require(permission) {
        if (!holds(permission)) throw new MurmurError('PERMISSION_DENIED', `missing permission ${permission}`);
      },
    },
  };
}
