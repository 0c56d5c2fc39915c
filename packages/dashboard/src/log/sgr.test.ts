import { expect, test } from 'vitest';

import { plain, readStyles, withoutStyles } from './sgr.js';

const textOf = (line: string): string =>
  readStyles(line, plain)
    .pieces.map(({ text }) => text)
    .join('');

test('colours apply from their sequence to the one that ends them', () => {
  const { end, pieces } = readStyles('a\u001b[1;31mb\u001b[39mc\u001b[0md', plain);
  expect(pieces).toEqual([
    { text: 'a', style: {} },
    { text: 'b', style: { bold: true, ink: '1' } },
    { text: 'c', style: { bold: true } },
    { text: 'd', style: {} },
  ]);
  expect(end).toEqual({});
});

test.each([
  ['\u001b[38;5;196m', { ink: '#ff0000' }],
  ['\u001b[38;2;1;2;300m', { ink: '#0102ff' }],
  ['\u001b[48;5;232m', { paper: '#080808' }],
  ['\u001b[93m', { ink: '11' }],
  ['\u001b[38;5m', { ink: '0' }],
  ['\u001b[38m', {}],
  ['\u001b[999m', {}],
])('%j asks for a style', (sequence, style) => {
  expect(readStyles(`${sequence}x`, plain).pieces).toEqual([{ text: 'x', style }]);
});

test('sequences that do more than style are left out, and an unfinished one is shown', () => {
  expect(textOf('a\u001b[2Kb\u001b]0;title\u0007c\u001b]8;;javascript:alert(1)\u001b\\d')).toBe('abcd');
  expect(textOf('a\u001b')).toBe('a␛');
  expect(withoutStyles('\u001b[31mred\u001b[0m')).toBe('red');
});
