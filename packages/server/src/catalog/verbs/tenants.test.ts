import { describe, expect, test } from 'vitest';

import { type TestCatalog, refused, withNewTenants } from '../testing.js';

let catalog: TestCatalog;
withNewTenants((own) => (catalog = own));

function image(name: string, description = ''): string {
  return `name: ${name}\ndescription: "${description}"\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n`;
}

describe('tenants', () => {
  test("never see, change, refer to or learn of each other's resources", async () => {
    const other = catalog.as('local/other');
    await catalog.set('image', 'secret-name', image('secret-name'));
    expect(await refused(other.get('image', 'secret-name'))).toBe('NOT_FOUND: image "secret-name" not found');
    expect(await refused(other.get('image', 'secret-name', 1n))).toBe('NOT_FOUND: image "secret-name" not found');
    expect(await refused(other.patch('image', 'secret-name', { description: 'x' }))).toBe('NOT_FOUND: image "secret-name" not found');
    expect(await refused(other.remove('image', 'secret-name'))).toBe('NOT_FOUND: image "secret-name" not found');
    expect(await refused(other.history('image', 'secret-name'))).toBe('NOT_FOUND: image "secret-name" not found');
    expect(
      await refused(
        other.set('recipe', 'r', 'name: r\nbase_image_gce_ref: secret-name\nprovisioning_script: a\nprovisioning_timeout: 1m\n'),
      ),
    ).toBe('INVALID_ARGUMENT: base_image_gce_ref "secret-name" does not exist');
    expect((await other.set('image', 'secret-name', image('secret-name', 'theirs'))).resource.generation).toBe(1n);
    expect((await catalog.get('image', 'secret-name')).spec.value?.description).toBe('');
  });
});

describe('builtins', () => {
  test.each([
    ['image', 'murmur-gce-base'],
    ['image', 'murmur-mine'],
    ['machine-type', 'murmur-n2-standard-8'],
    ['machine-type', 'n2-standard-8'],
    ['disk-type', 'own'],
  ])('no tenant writes %s %s', async (kind, name) => {
    const expected = `PERMISSION_DENIED: "${name}" is a platform builtin and cannot be modified`;
    expect(await refused(catalog.set(kind, name, image(name)))).toBe(expected);
    expect(await refused(catalog.patch(kind, name, { description: 'x' }))).toBe(expected);
    expect(await refused(catalog.remove(kind, name))).toBe(expected);
  });

  test('every tenant reads them, machine types also without their prefix', async () => {
    const resource = await catalog.as('github_app/acme').get('machine-type', 'n2-standard-8');
    expect(resource).toMatchObject({ name: 'murmur-n2-standard-8', builtin: true, generation: 1n });
  });
});
