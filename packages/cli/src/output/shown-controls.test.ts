import { expect, it } from 'vitest';

import { guardOutput, showControls } from './shown-controls.js';

it.each([
  ['a colour', '\u001b[31mred\u001b[0m', '^[[31mred^[[0m'],
  ['a title, a bell and what types for the user', '\u001b]0;x\u0007\u001b[6n', '^[]0;x^G^[[6n'],
  ['what writes over the line', 'bad\rgood\b\u007f', 'bad^Mgood^H^?'],
  ['a control of one byte in other encodings', '\u009b31m', '<U+009B>31m'],
  ['what is read in another order', 'a\u202eb\u2066c', 'a<U+202E>b<U+2066>c'],
  ['lines, tabs and letters', 'é\t😀\r\nx\n', 'é\t😀\r\nx\n'],
])('%s is shown', (_, text, shown) => {
  expect(showControls(text)).toBe(shown);
});

it('a terminal is guarded, also where a character lies across chunks, and what is no terminal is not', () => {
  const written: unknown[] = [];
  const terminal = guardOutput({ write: (chunk) => written.push(chunk), isTTY: true });
  const bytes = Buffer.from('\u009b1é\u001b[2J');
  for (const byte of bytes) terminal.write(Buffer.of(byte));
  expect(written.join('')).toBe('<U+009B>1é^[[2J');
  terminal.writeRaw('\u001b[K');
  expect(written.at(-1)).toBe('\u001b[K');
  const file = guardOutput({ write: (chunk) => written.push(chunk) });
  file.write(bytes);
  expect(written.at(-1)).toBe(bytes);
});
