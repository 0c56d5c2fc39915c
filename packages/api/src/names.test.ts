import fc from 'fast-check';
import { expect, test } from 'vitest';

import { kindNames, resourceNamePattern, secretNamePattern } from './names.js';

test('kinds are named with hyphens', () => {
  expect(kindNames).toContain('recipe');
  expect(kindNames).toContain('machine-type');
  for (const name of kindNames) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
});

test('a resource is named by a DNS label of at most 63 characters, nothing before or after it', () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,62}$/);
  fc.assert(
    fc.property(label, fc.constantFrom('\n', ' ', '_', 'A', '.', 'é'), (name, extra) => {
      expect(resourceNamePattern.test(name)).toBe(true);
      expect(resourceNamePattern.test(name + extra)).toBe(false);
      expect(resourceNamePattern.test(extra + name)).toBe(false);
    }),
  );
  expect(resourceNamePattern.test('a'.repeat(63))).toBe(true);
  expect(resourceNamePattern.test('a'.repeat(64))).toBe(false);
});

test.each<[string, boolean]>([
  ['A', true],
  ['NPM_TOKEN', true],
  ['A1_', true],
  ['_A', false],
  ['1A', false],
  ['a', false],
  ['A-B', false],
  ['A\n', false],
  ['', false],
])('the secret name %j is well formed: %s', (name, expected) => {
  expect(secretNamePattern.test(name)).toBe(expected);
});
