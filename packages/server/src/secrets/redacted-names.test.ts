import { expect, test } from 'vitest';

import { redactedNames } from './redacted-names.js';

test.each([
  [{}, ''],
  [{ B_TOKEN: 'hunter2-x', A_TOKEN: 'correct horse' }, 'the values of A_TOKEN, B_TOKEN are redacted in this log'],
  [{ APP_ENV: 'production' }, 'the values of APP_ENV are ordinary words and redacted only where they stand alone'],
  [
    { A_TOKEN: 'hunter2', APP_ENV: 'production', NAME: 'root', DEBUG: '1', EMPTY: '' },
    'the values of A_TOKEN are redacted in this log; those of APP_ENV, NAME are ordinary words and redacted only where they stand alone; those of DEBUG, EMPTY are too short to be redacted',
  ],
])('%j', (variables, line) => {
  expect(redactedNames(variables)).toBe(line);
});
