import { expect, test } from 'vitest';

import { shownLine, shownText } from './shown-text.js';

test('what cannot be seen is made visible', () => {
  expect(shownText('a\u001b[31mb\u0000c\u007f')).toBe('a␛[31mb␀c␡');
  expect(shownText('user\u202egnp.exe\u200b')).toBe('user[U+202E]gnp.exe[U+200B]');
});

test('lines, tabs and letters of every script stay as they are', () => {
  const text = 'line\n\tالعربية 日本語 ü 👍';
  expect(shownText(text)).toBe(text);
});

test('markup stays text', () => {
  expect(shownText('<img src=x onerror=alert(1)>')).toBe('<img src=x onerror=alert(1)>');
});

test('a line for a list is one line, and ends where there is no more room', () => {
  expect(shownLine('a\n\n b\t c')).toBe('a b c');
  expect(shownLine('x'.repeat(2_000_000), 10)).toBe(`${'x'.repeat(10)}…`);
});
