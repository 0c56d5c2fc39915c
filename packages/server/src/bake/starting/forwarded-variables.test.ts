import { MurmurError } from '@murmur/api';
import { expect, test } from 'vitest';

import { checkVariables } from './script-variables.js';

test('ordinary names and any text are forwarded', () => {
  expect(() => checkVariables({ NPM_TOKEN: 'x', ARTIFACTORY_URL: "it's\nmore $(lines) é", EMPTY: '' })).not.toThrow();
});

test.each([
  ['foo', 'x', 'secret name "foo" must match [A-Z][A-Z0-9_]*'],
  ['', 'x', 'secret name "" must match [A-Z][A-Z0-9_]*'],
  ['A=B', 'x', 'secret name "A=B" must match [A-Z][A-Z0-9_]*'],
  ['MURMUR_X', 'x', 'secret name "MURMUR_X" is reserved (MURMUR_* is internal)'],
  ['PATH', 'x', 'variable "PATH" cannot be forwarded: it changes how a shell or the loader works'],
  ['LD_PRELOAD', 'x', 'variable "LD_PRELOAD" cannot be forwarded: it changes how a shell or the loader works'],
  ['BASH_ENV', 'x', 'variable "BASH_ENV" cannot be forwarded: it changes how a shell or the loader works'],
  ['ENV', 'x', 'variable "ENV" cannot be forwarded: it changes how a shell or the loader works'],
  ['IFS', 'x', 'variable "IFS" cannot be forwarded: it changes how a shell or the loader works'],
  ['A', 'x\0', 'variable "A" contains a NUL character'],
  ['A', 'é'.repeat(32 * 1024 + 1), 'variable "A" exceeds 64 KiB limit'],
])('-e %s is refused', (name, value, message) => {
  expect(() => checkVariables({ [name]: value })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', message }));
});

test('together the values have a limit too, and all faults are told in name order', () => {
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`V${index}`, 'x'.repeat(64 * 1024)]));
  expect(() => checkVariables(many)).toThrow('forwarded variables exceed 512 KiB limit');
  const error = (() => {
    try {
      checkVariables({ b: '', PATH: '' });
    } catch (thrown) {
      return MurmurError.from(thrown);
    }
    return undefined;
  })();
  expect(error?.faults.map((fault) => fault.path)).toEqual(['variables.PATH', 'variables.b']);
});
