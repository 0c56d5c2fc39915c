import { describe, expect, test } from 'vitest';

import { type TestCatalog, refused, withNewTenants } from '../testing.js';

let catalog: TestCatalog;
withNewTenants((own) => (catalog = own));

function image(name: string, description = ''): string {
  return `name: ${name}\ndescription: "${description}"\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n`;
}

describe('removal', () => {
  test('leaves the generations readable and the numbering going on', async () => {
    await catalog.set('image', 'a', image('a', 'first'));
    await catalog.remove('image', 'a');
    expect(await refused(catalog.get('image', 'a'))).toBe('NOT_FOUND: image "a" not found');
    expect(await refused(catalog.remove('image', 'a'))).toBe('NOT_FOUND: image "a" not found');
    expect((await catalog.get('image', 'a', 1n)).spec.value?.description).toBe('first');
    expect(await refused(catalog.get('image', 'a', 2n))).toBe('NOT_FOUND: generation 2 of image "a" is its removal');
    expect((await catalog.set('image', 'a', image('a', 'again'))).resource.generation).toBe(3n);
    const { generations } = await catalog.history('image', 'a');
    expect(generations.map(({ generation, removed, resource }) => [generation, removed, resource?.spec.value?.description])).toEqual([
      [3n, false, 'again'],
      [2n, true, undefined],
      [1n, false, 'first'],
    ]);
    expect(generations[0]?.resource?.createTime).toEqual(generations[0]?.time);
    expect(await refused(catalog.history('image', 'b'))).toBe('NOT_FOUND: image "b" not found');
  });

  test('names every resource that refers to it, by kind and name', async () => {
    await catalog.set('image', 'base', image('base'));
    const recipe = (name: string) => `name: ${name}\nbase_image_gce_ref: base\nprovisioning_script: a\nprovisioning_timeout: 1m\n`;
    for (const name of ['r2', 'r1']) await catalog.set('recipe', name, recipe(name));
    await catalog.set(
      'workspace',
      'w',
      'name: w\nimage_ref: base\nenvironment_ref: murmur-qemu-small\nplacement: murmur-qemu-local\nrepos: [{clone_url: "https://example.com/a"}]\n',
    );
    expect(await refused(catalog.remove('image', 'base'))).toBe(
      'FAILED_PRECONDITION: cannot delete image "base": referenced by recipe: r1, r2; workspace: w',
    );
    await catalog.patch('workspace', 'w', { image_ref: 'murmur-gce-base' });
    await catalog.remove('recipe', 'r1');
    expect(await refused(catalog.remove('image', 'base'))).toBe(
      'FAILED_PRECONDITION: cannot delete image "base": referenced by recipe: r2',
    );
    await catalog.remove('recipe', 'r2');
    await catalog.remove('image', 'base');
  });
});
