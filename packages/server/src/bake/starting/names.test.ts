import { resourceNamePattern } from '@murmur/api';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { artifactName, catalogName, newRunId, stepToken } from './names.js';

const hash = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const build = (recipe: string, buildNumber = 1) => ({ tenant: 'local/default', recipe, imageHash: hash, buildNumber });

test('an image is named after its recipe and its hash, and later builds are numbered', () => {
  expect(catalogName(build('my-recipe'))).toBe('my-recipe-9f86d081884c7d65');
  expect(catalogName(build('my-recipe', 2))).toBe('my-recipe-9f86d081884c7d65-2');
});

test('a recipe name of 42 characters stays whole and a longer one is cut with its own hash', () => {
  const longest = 'a'.repeat(42);
  expect(catalogName(build(longest))).toBe(`${longest}-9f86d081884c7d65`);
  expect(catalogName(build(`${longest}b`))).toMatch(/^a{33}-[0-9a-f]{8}-9f86d081884c7d65$/);
  expect(catalogName(build(`${longest}b`))).not.toBe(catalogName(build(`${longest}c`)));
});

test('every catalog name is a resource name, up to the 999th build', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z][a-z0-9-]{0,62}$/), fc.integer({ min: 1, max: 999 }), (recipe, buildNumber) => {
      expect(catalogName(build(recipe, buildNumber))).toMatch(resourceNamePattern);
    }),
  );
});

test('an artifact is named apart by tenant, recipe, hash and build', () => {
  const one = build('r');
  const others = [
    { ...one, tenant: 'local/other' },
    { ...one, recipe: 's' },
    { ...one, imageHash: hash.replace('9', '8') },
    { ...one, buildNumber: 2 },
  ];
  const names = [one, ...others].map(artifactName);
  expect(new Set(names).size).toBe(5);
  for (const name of names) expect(name).toMatch(/^murmur-provision-[0-9a-f]{16}$/);
});

test('run ids and tokens are short and plain', () => {
  const id = newRunId();
  expect(id).toMatch(/^[a-z][a-z0-9]{9}$/);
  expect(newRunId()).not.toBe(id);
  expect(stepToken(id, 2, 'launch')).toBe(`${id}-2-launch`);
});
