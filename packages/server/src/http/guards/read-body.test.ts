import { expect, test } from 'vitest';

import { byteBudget } from './read-body.js';

test('one caller has half of the room, all together have it all, and what is given back is there again', () => {
  const budget = byteBudget(100);
  budget.take('ana', 50);
  expect(() => budget.take('ana', 1)).toThrow('your requests that are being answered hold too many bytes');
  budget.take('ben', 40);
  expect(() => budget.take('eve', 11)).toThrow(/^the requests that are being answered hold too many bytes/);
  budget.take('eve', 10);
  budget.give('ana', 50);
  budget.take('ben', 10);
  budget.take('ana', 40);
  expect(() => budget.take('eve', 1)).toThrow('hold too many bytes');
});
