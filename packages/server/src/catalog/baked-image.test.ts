import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema } from '@murmur/api';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { writeBakedImage } from './baked-image.js';
import { type TestCatalog, refused, testCatalog } from './testing.js';

let catalog: TestCatalog;
beforeAll(async () => {
  catalog = await testCatalog();
  await catalog.set(
    'recipe',
    'tools',
    'name: tools\nbase_image_gce_ref: murmur-gce-base\nprovisioning_script: a\nprovisioning_timeout: 1m\n',
  );
});
afterAll(() => catalog.close());

async function bake(name: string): Promise<void> {
  const value = { selfLink: 'projects/acme/global/images/tools', provenance: { recipeRef: 'tools', imageHash: 'a'.repeat(64) } };
  const image = create(ImageSchema, { name, architecture: Architecture.AMD64, source: { case: 'gce', value } });
  await catalog.database.database.transaction().execute((trx) => writeBakedImage(trx, { tenant: 'local/default', author: 'baker', image }));
}

test('a baked image is in the catalog, with its provenance and the one who started the bake', async () => {
  await bake('tools-1');
  const resource = await catalog.get('image', 'tools-1');
  expect(resource).toMatchObject({ generation: 1n, author: 'baker', builtin: false });
  expect(await catalog.print('image', 'tools-1')).toBe(`name: tools-1
architecture: ARCHITECTURE_AMD64
gce:
  self_link: projects/acme/global/images/tools
  provenance:
    recipe_ref: tools
    image_hash: ${'a'.repeat(64)}
`);
});

test('a baked image keeps its recipe from being deleted', async () => {
  await bake('tools-2');
  expect(await refused(catalog.remove('recipe', 'tools'))).toMatch(/referenced by image: .*tools-2/);
});

test('a name taken meanwhile is never overwritten', async () => {
  await catalog.set('image', 'mine', 'name: mine\narchitecture: AMD64\ndocker: {image_ref: debian}\n');
  expect(await refused(bake('mine'))).toBe('FAILED_PRECONDITION: image "mine" already exists and was not baked');
  await bake('tools-3');
  expect(await refused(bake('tools-3'))).toBe('ALREADY_EXISTS: image "tools-3" already exists');
});
