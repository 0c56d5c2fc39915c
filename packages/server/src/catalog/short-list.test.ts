import { expect, test } from 'vitest';

import { shortList } from './short-list.js';

test.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b', 'c', 'd'], 'a, b, c, d'],
  [['a', 'b', 'c', 'd', 'e'], 'a, b, c and 2 more'],
])('%j is shown as "%s"', (values, expected) => {
  expect(shortList(values)).toBe(expected);
});
