import { expect, it } from 'vitest';

import { unifiedDiff } from './unified-diff.js';

const side = (text: string) => ({ label: 'recipe/r', about: 'generation', text });

it('colours lines by what they are, and says the same without colour', () => {
  const coloured = unifiedDiff(side('a\nb\n'), side('a\nc\n'), 'coloured');
  expect(coloured).toContain('\u001b[31m-b\u001b[0m\n\u001b[32m+c\u001b[0m\n');
  // eslint-disable-next-line no-control-regex
  expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(unifiedDiff(side('a\nb\n'), side('a\nc\n'), 'plain'));
});

it('lets no colour of the texts through among its own', () => {
  expect(unifiedDiff(side('a\n'), side('\u001b[8mb\n'), 'coloured')).toContain('\u001b[32m+^[[8mb\u001b[0m\n');
});

it('says which end of the file has no line end', () => {
  expect(unifiedDiff(side('a\n'), side('a'), 'plain')).toContain('\\ No newline at end of file');
});
