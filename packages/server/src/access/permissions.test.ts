import { describe, expect, test } from 'vitest';

import { covers, requireOperator, requirePermission } from './permissions.js';

const member = { tenant: 'local/default', subject: 'ana', keyId: 'a', operator: false };

describe('permissions', () => {
  test.each([
    ['*', true],
    ['recipe.edit', true],
    ['recipe.*', true],
    ['*.edit', true],
    ['recipe.read', false],
    ['*.read', false],
    ['image.*', false],
    ['recipe', false],
    ['recipe.edi', false],
  ])('%s covers recipe.edit: %s', (grant, expected) => {
    expect(covers([grant], 'recipe.edit')).toBe(expected);
  });

  test('every identity of a tenant holds every permission in it', () => {
    expect(() => requirePermission(member, 'recipe.edit')).not.toThrow();
  });

  test('what acts on the server is for operators', () => {
    expect(() => requireOperator({ ...member, operator: true })).not.toThrow();
    expect(() => requireOperator(member)).toThrow('only an operator of this server may do that');
  });
});
