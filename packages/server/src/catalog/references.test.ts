import { afterEach, beforeEach, expect, test } from 'vitest';

import type { Permits } from './context.js';
import { type TestCatalog, refusal, refused, testCatalog } from './testing.js';
import { removeResource, setResource } from './verbs/index.js';

let catalog: TestCatalog;
beforeEach(async () => {
  catalog = await testCatalog();
  await catalog.set('image', 'base', 'name: base\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n');
});
afterEach(() => catalog.close());

/** What somebody may do who holds only these permissions, each for one name. */
function holding(...held: readonly string[]): Permits {
  const holds = (permission: string, name: string) => permission.startsWith('recipe.') || held.includes(`${permission} ${name}`);
  return { holds, require: () => undefined, namesFor: () => [], usesHost: true };
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

test('what is missing in a list is told in the order of the list', async () => {
  const document = 'name: ci\nsecret_refs: [ZETA, ALPHA]\n';
  const { faults } = await refusal(setResource(catalog.context, { kind: 'service-profile', name: 'ci', document, fields: [] }));
  expect(faults.map(({ message }) => message)).toEqual(['secret_refs[0] "ZETA" does not exist', 'secret_refs[1] "ALPHA" does not exist']);
});

test('referrers that the caller may neither read nor list are only counted', async () => {
  for (const name of ['a', 'b', 'c']) {
    await catalog.set('recipe', name, `name: ${name}\nbase_image_gce_ref: base\nprovisioning_script: a\nprovisioning_timeout: 1m\n`);
  }
  const remove = async (...held: string[]) => {
    const holds = (permission: string, name: string) => held.includes(`${permission} ${name}`);
    const permits = { holds, require: () => undefined, namesFor: () => [], usesHost: true };
    return refused(removeResource({ ...catalog.context, permits }, { kind: 'image', name: 'base' }));
  };
  const start = 'FAILED_PRECONDITION: cannot delete image "base": referenced by recipe: ';
  expect(await remove()).toBe(`${start}3 not shown to you`);
  expect(await remove('recipe.list c', 'recipe.read a')).toBe(`${start}a, c, 1 not shown to you`);
});

test('builtins can be referred to by everybody', async () => {
  expect(await recipeFrom('murmur-gce-base', holding())).toMatchObject({ changed: true });
});
