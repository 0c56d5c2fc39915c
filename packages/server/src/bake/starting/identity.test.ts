import { createHmac } from 'node:crypto';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { type IdentityInputs, imageHash } from './identity.js';

const keyOf = (secret: string) => ({
  hmac: (purpose: string, value: string) => createHmac('sha256', `${secret} ${purpose}`).update(value).digest('hex'),
});
const key = keyOf('one');

const plain: IdentityInputs = {
  substrate: 'QEMU',
  scope: 'qemu-local',
  baseId: `sha256:${'a'.repeat(64)}`,
  architecture: 'AMD64',
  diskSizeGb: 0,
  script: '#!/bin/sh\ntrue\n',
  secretAllowlist: [],
  variables: {},
};

test('the hash of known inputs never changes, or every cached image would be lost', () => {
  expect(imageHash(plain, key)).toBe('7cadc33933a0e86e6725c1e299cde0fcaa2dffc194754b67ee7ec6be66e6974d');
  expect(imageHash({ ...plain, diskSizeGb: 20, secretAllowlist: ['B', 'A'], variables: { A: 'secret', C: 'value' } }, key)).toBe(
    '9974e83502563ac88fcac493c503a9d1f8cacbf83b0cf6b3a58463f53c95a347',
  );
});

test.each<[string, Partial<IdentityInputs>]>([
  ['the substrate', { substrate: 'DOCKER' }],
  ['the scope', { scope: 'elsewhere' }],
  ['the base image', { baseId: `sha256:${'b'.repeat(64)}` }],
  ['the architecture', { architecture: 'ARM64' }],
  ['the disk size', { diskSizeGb: 10 }],
  ['one byte of the script', { script: '#!/bin/sh\ntrue' }],
  ['an allow-listed name', { secretAllowlist: ['TOKEN'] }],
  ['a forwarded variable', { variables: { TOKEN: 'x' } }],
])('%s makes another image', (_what, change) => {
  expect(imageHash({ ...plain, ...change }, key)).not.toBe(imageHash(plain, key));
});

test('the order of allow-listed names and of variables does not matter', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/), { maxLength: 6 });
  fc.assert(
    fc.property(
      names,
      fc.uniqueArray(fc.tuple(fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/), fc.string()), { selector: ([name]) => name }),
      (allowed, pairs) => {
        const there = { ...plain, secretAllowlist: allowed, variables: Object.fromEntries(pairs) };
        const back = { ...plain, secretAllowlist: allowed.toReversed(), variables: Object.fromEntries(pairs.toReversed()) };
        expect(imageHash(back, key)).toBe(imageHash(there, key));
      },
    ),
  );
});

test('the value of a declared secret stays out; any other variable counts by name and value', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      fc.pre(one !== other);
      const declared = (value: string) => imageHash({ ...plain, secretAllowlist: ['TOKEN'], variables: { TOKEN: value } }, key);
      const forwarded = (value: string) => imageHash({ ...plain, variables: { URL: value } }, key);
      expect(declared(one)).toBe(declared(other));
      expect(forwarded(one)).not.toBe(forwarded(other));
      expect(forwarded(one)).not.toBe(imageHash({ ...plain, variables: { URI: one } }, key));
    }),
  );
});

test('who lacks the tenant key cannot test a guess of a forwarded value against the hash', () => {
  const inputs = { ...plain, variables: { URL: 'guess' } };
  expect(imageHash(inputs, keyOf('one'))).not.toBe(imageHash(inputs, keyOf('other')));
});
