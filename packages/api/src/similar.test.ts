import { expect, test } from 'vitest';

import { similarWord } from './similar.js';

test.each([
  ['gte', ['set', 'get', 'rm'], 'get'],
  ['provisioning_timout', ['provisioning_script', 'provisioning_timeout'], 'provisioning_timeout'],
  ['verison', ['version'], 'version'],
  ['recipie', ['recipe', 'role'], 'recipe'],
  ['-v', ['rm', 'bake'], undefined],
  ['iff', ['file', 'if-generation'], undefined],
  ['get', ['get', 'set'], undefined],
  ['sl', ['ls', 'show'], 'ls'],
  ['x', ['a'], undefined],
  ['', ['a'], undefined],
  ['x'.repeat(100), ['x'.repeat(99)], undefined],
])('%s is meant to be one of %j', (word, among, meant) => {
  expect(similarWord(word, among)).toBe(meant);
});
