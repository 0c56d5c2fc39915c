import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { createSignInCodes } from './sign-in-codes.js';

const refused = { code: 'UNAUTHENTICATED', message: 'this sign-in code is not good any more' };

test('a code gives its credential once', () => {
  const codes = createSignInCodes();
  const { code } = codes.create('local/default ana', 'mur_a.b');
  expect(code).toMatch(/^[\w-]{43}$/);
  expect(codes.redeem(code)).toBe('mur_a.b');
  expect(() => codes.redeem(code)).toThrow(expect.objectContaining(refused));
});

test('a code is worthless once its time is over, and so is any other text', async () => {
  const codes = createSignInCodes(5);
  const { code, expiresAt } = codes.create('local/default ana', 'mur_a.b');
  while (Date.now() < expiresAt.getTime()) await delay(5);
  for (const one of [code, '', 'x'.repeat(1000), '__proto__']) expect(() => codes.redeem(one)).toThrow(expect.objectContaining(refused));
});

test('a caller who asks for ever more has only the last of them, and takes nobody else’s', () => {
  const codes = createSignInCodes();
  const other = codes.create('local/default bo', 'mur_bo.x');
  const made = Array.from({ length: 50 }, (_, index) => codes.create('local/default ana', `mur_ana.${index}`).code);
  const good = made.filter((code) => {
    try {
      return codes.redeem(code) !== '';
    } catch {
      return false;
    }
  });
  expect(good).toEqual(made.slice(-8));
  expect(codes.redeem(other.code)).toBe('mur_bo.x');
});
