import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';

import { renderSeconds, renderTime, secondsBetween } from './time.js';

it.each([
  [0, '0s'],
  [0.9, '0s'],
  [59.99, '59s'],
  [67, '1m07s'],
  [3600, '1h00m'],
  [7385, '2h03m'],
  [-1, '0s'],
])('%d seconds are %s', (seconds, text) => {
  expect(renderSeconds(seconds)).toBe(text);
});

it('times are printed in UTC to the second', () => {
  const time = timestampFromDate(new Date('2026-11-21T04:53:19.250Z'));
  expect(renderTime(time)).toBe('2026-11-21T04:53:19Z');
  expect(renderTime(undefined)).toBe('');
  expect(secondsBetween(time, timestampFromDate(new Date('2026-11-21T04:54:19.250Z')))).toBe(60);
});
