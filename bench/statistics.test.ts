import { expect, test } from 'vitest';

import { median, medianRatio } from './statistics.js';

test('the median is the middle one, or the mean of the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(() => median([])).toThrow(RangeError);
});

test('a pair that ran in a slow minute does not move the median ratio', () => {
  expect(
    medianRatio([
      [10, 20],
      [100, 200],
      [11, 22],
    ]),
  ).toBe(0.5);
});
