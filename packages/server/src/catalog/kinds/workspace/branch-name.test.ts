import { expect, test } from 'vitest';

import { isBranchName } from './workspace.js';

test.each(['main', 'release/1.2', 'feature/äöü', 'a@b', 'fix-#42', 'v1.0', 'x{y}'])('takes %s', (name) => {
  expect(isBranchName(name)).toBe(true);
});

test.each([
  '',
  '@',
  '-main',
  '/main',
  'main/',
  'main.',
  'a//b',
  'a..b',
  'a b',
  'a~1',
  'a^',
  'a:b',
  'a?',
  'a*',
  'a[b',
  'a\\b',
  'a@{1}',
  '.a',
  'a/.b',
  'a.lock',
  'a.lock/b',
  'a\nb',
  'a\u007f',
])('refuses "%s"', (name) => {
  expect(isBranchName(name)).toBe(false);
});
