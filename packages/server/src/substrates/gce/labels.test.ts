import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Token } from '../substrate.js';
import { decodeLabel, encodeLabel, labelsOf, ownerOf } from './labels.js';

test('a text becomes a value that Google takes for a label, and comes back where it fits', () => {
  expect(encodeLabel('github_app/acme')).toBe('github_5fapp_2facme');
  fc.assert(
    fc.property(fc.string({ maxLength: 80, unit: 'grapheme' }), (text) => {
      const value = encodeLabel(text);
      expect(value).toMatch(/^[a-z0-9_-]{0,63}$/);
      const whole = Buffer.from(text).toString();
      // A value that was cut is only for people.
      expect(value.length < 63 ? decodeLabel(value) : whole).toBe(whole);
    }),
  );
});

test('whose something is can be read off its labels', () => {
  const owner = { installation: '0badcafe', tenant: 'local/default', runId: 'run-x' };
  expect(ownerOf(labelsOf(owner, 'run-x-1-launch' as Token))).toEqual(owner);
});
