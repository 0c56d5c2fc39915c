import { expect, test } from 'vitest';

import { lineFaults } from './line-faults.js';

const text = [
  'name: tools',
  'provisioning_script: |',
  '  true',
  'secret_allowlist:',
  '  - GOOD',
  '  - bad one',
  'gce:',
  '  self_link: 1',
].join('\n');
const lineOf = (path: string, message = 'wrong'): number | undefined =>
  lineFaults(text, [{ code: 'INVALID_ARGUMENT', message, path }])[0]?.line;

test.each([
  ['name', 1],
  ['provisioning_script', 2],
  ['secret_allowlist', 4],
  ['secret_allowlist[1]', 6],
  ['gce.self_link', 8],
  ['gce.absent', 7],
  ['provisioning_timeout', 1],
])('a fault of %s stands at line %i', (path, line) => {
  expect(lineOf(path)).toBe(line);
});

test('a fault that names its line stands there, and its hint is with it', () => {
  const fault = { code: 'INVALID_ARGUMENT', message: 'line 3, column 1: duplicate key "a"', hint: 'Keep one of the two.' } as const;
  expect(lineFaults('a: 1\nb: [\na: 2', [fault])).toEqual([{ line: 3, message: `${fault.message}\n${fault.hint}` }]);
});
