import { describe, expect, test } from 'vitest';

import { kinds } from '../kinds/index.js';
import { isPermissionPattern, permissionNouns, permissionVerbs } from './permission-names.js';

describe('isPermissionPattern', () => {
  test('takes every verb of every kind, and of what is no resource', () => {
    expect(permissionNouns).toEqual(expect.arrayContaining([...kinds.map((kind) => kind.name), 'api-key', 'audit']));
    for (const noun of permissionNouns) for (const verb of permissionVerbs) expect(isPermissionPattern(`${noun}.${verb}`)).toBe(true);
  });

  test.each(['*', 'recipe.*', 'service-profile.*', 'audit.*', '*.read', '*.assume'])('takes %s', (pattern) => {
    expect(isPermissionPattern(pattern)).toBe(true);
  });

  test.each([
    '',
    '*.*',
    '**',
    'recipe',
    'recipe.',
    '.read',
    'Recipe.read',
    'recipe.bake',
    'volcano.read',
    'rec*.read',
    ' *',
    'recipe.read.x',
  ])('refuses "%s"', (text) => {
    expect(isPermissionPattern(text)).toBe(false);
  });
});
