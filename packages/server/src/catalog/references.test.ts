import { afterEach, beforeEach, expect, test } from 'vitest';

import type { Permits } from './context.js';
import { type TestCatalog, refused, testCatalog } from './testing.js';
import { setResource } from './verbs/index.js';

let catalog: TestCatalog;
beforeEach(async () => {
  catalog = await testCatalog();
  await catalog.set('image', 'base', 'name: base\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n');
});
afterEach(() => catalog.close());

/** What somebody may do who holds only these permissions, each for one name. */
function holding(...held: readonly string[]): Permits {
  const holds = (permission: string, name: string) => permission.startsWith('recipe.') || held.includes(`${permission} ${name}`);
  return { holds, require: () => undefined, namesFor: () => [] };
}

async function recipeFrom(base: string, permits: Permits): Promise<unknown> {
  const document = `name: tools\nbase_image_gce_ref: ${base}\nprovisioning_script: a\nprovisioning_timeout: 1m\n`;
  return setResource({ ...catalog.context, permits }, { kind: 'recipe', name: 'tools', document, fields: [] });
}

test('what the writer may neither read nor list is answered as what does not exist', async () => {
  const present = await refused(recipeFrom('base', holding()));
  const absent = await refused(recipeFrom('none', holding()));
  expect(present).toBe('INVALID_ARGUMENT: base_image_gce_ref "base" does not exist');
  expect(absent).toBe(present.replace('base"', 'none"'));
  expect(await refused(recipeFrom('base', holding('image.read other', 'image.edit base')))).toBe(present);
});

test.each(['image.read base', 'image.list base'])('%s is enough to refer to it', async (permission) => {
  expect(await recipeFrom('base', holding(permission))).toMatchObject({ changed: true });
});

test('builtins can be referred to by everybody', async () => {
  expect(await recipeFrom('murmur-gce-base', holding())).toMatchObject({ changed: true });
});
