import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createRedactor } from '../redactor.js';
import { formsOf } from './forms.js';
import { Scanner } from './scanner.js';

function redact(secrets: readonly string[], ...chunks: readonly (string | Buffer)[]): string {
  const redactor = createRedactor(secrets);
  const texts = chunks.map((chunk) => redactor.push(Buffer.from(chunk)).text);
  return [...texts, redactor.end().text].join('');
}

/** Of at least four bytes, with everything in it that some encoding treats specially. */
const value = fc
  .string({
    unit: fc.oneof(fc.constantFrom(...Array.from('abZ09 +/=%&?"\'\\<>~!.-_\t\u0001\u007fé€\u2028')), fc.constant('😀')),
    minLength: 2,
    maxLength: 40,
  })
  .filter((text) => Buffer.byteLength(text) >= 4 && !/[\n\r]/.test(text));

const hexOf = (text: string) => Array.from(Buffer.from(text), (byte) => byte.toString(16).padStart(2, '0'));
const escaped = (text: string, kept: RegExp) =>
  Array.from({ length: text.length }, (_, at) => {
    const unit = text.charAt(at);
    return kept.test(unit) ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  }).join('');
const lowerCodes = (text: string) => text.replaceAll(/%../g, (code) => code.toLowerCase());

/** How programs write a value, by other means than the code that looks for it. */
const spellings: Record<string, (text: string) => string> = {
  'as it stands': (text) => text,
  'by encodeURIComponent': encodeURIComponent,
  'by encodeURIComponent, in lower case': (text) => lowerCodes(encodeURIComponent(text)),
  'by encodeURI': encodeURI,
  'as a form field': (text) => new URLSearchParams({ '': text }).toString().slice(1),
  'with every byte percent-encoded': (text) =>
    hexOf(text)
      .map((code) => `%${code.toUpperCase()}`)
      .join(''),
  'with every byte percent-encoded, in lower case': (text) =>
    hexOf(text)
      .map((code) => `%${code}`)
      .join(''),
  'in JSON': (text) => JSON.stringify(text).slice(1, -1),
  'in JSON with slashes escaped': (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  'in JSON of ASCII': (text) => escaped(JSON.stringify(text).slice(1, -1), /[ -~]/),
  'in JSON with every character escaped': (text) => escaped(text, /(?!)/),
  'in hex': (text) => hexOf(text).join(''),
  'in upper-case hex': (text) => hexOf(text).join('').toUpperCase(),
  'in hex byte by byte': (text) => hexOf(text).join(' '),
  'in hex with colons': (text) => hexOf(text).join(':').toUpperCase(),
  'as a C string': (text) =>
    hexOf(text)
      .map((code) => `\\x${code}`)
      .join(''),
  'in base64': (text) => Buffer.from(text).toString('base64'),
  'in base64 without padding': (text) => Buffer.from(text).toString('base64').replace(/=+$/, ''),
  'in URL-safe base64': (text) => Buffer.from(text).toString('base64url'),
  'in a shell’s single quotes': (text) => text.replaceAll("'", "'\\''"),
  'in double quotes': (text) => text.replaceAll(/["$`\\]/g, (character) => `\\${character}`),
};

describe('a value', () => {
  test.each(Object.keys(spellings))('%s is taken out whole, wherever the chunks end', (name) => {
    const spell = spellings[name] ?? String;
    fc.assert(
      fc.property(value, fc.nat(), (secret, at) => {
        // Nothing that could be part of a spelling, nor look like one with it.
        const [before, after] = ['<| ', ' |>'];
        const output = Buffer.from(`${before}${spell(secret)}${after}`);
        const border = at % (output.length + 1);
        const expected = `${before}[redacted]${after}`;
        fc.pre(!secret.startsWith(' ') && !secret.endsWith(' '));
        expect(redact([secret], output.subarray(0, border), output.subarray(border))).toBe(expected);
      }),
      { numRuns: 150 },
    );
  });

  test.each(['base64', 'base64url'] as const)('in %s gives nothing whole away wherever it begins and ends', (encoding) => {
    fc.assert(
      fc.property(value, fc.uint8Array({ maxLength: 7 }), fc.uint8Array({ maxLength: 7 }), (secret, before, after) => {
        const out = redact([secret], Buffer.concat([before, Buffer.from(secret), after]).toString(encoding));
        const [left = '', right = '', ...more] = out.split('[redacted]');
        expect(more).toEqual([]);
        expect(out).toContain('[redacted]');
        // Of the value's own bytes at most the first and the last have bits in what stays.
        expect(Buffer.from(left, encoding).length).toBeLessThanOrEqual(before.length + 1);
        expect(right.replaceAll('=', '').length).toBeLessThanOrEqual(Math.ceil(((after.length + 1) * 8) / 6));
      }),
      { numRuns: 500 },
    );
  });

  test('of several lines is taken out line by line too, in every spelling', () => {
    const lines = ['-----BEGIN KEY-----', 'b3BlbnNzaC1r/ZXk+', '-----END KEY-----'];
    for (const spell of Object.values(spellings)) {
      const printed = lines.map((line) => `> ${spell(line)}`).join('\r\n');
      expect(redact([lines.join('\n')], printed)).toBe(lines.map(() => '> [redacted]').join('\r\n'));
    }
  });
});

/** What a stretch of text may stand for. */
function readings(text: string): string[] {
  const tolerant = (read: () => string): string => {
    try {
      return read();
    } catch (error) {
      if (error instanceof URIError || error instanceof SyntaxError) return '';
      throw error;
    }
  };
  const bytes = text.replaceAll(/%([0-9a-f]{2})|\\x([0-9a-f]{2})/gi, (_, url: string, c: string) =>
    String.fromCharCode(Number.parseInt(url ?? c, 16)),
  );
  return [
    text,
    Buffer.from(bytes, 'latin1').toString(),
    Buffer.from(bytes.replaceAll('+', ' '), 'latin1').toString(),
    tolerant(() => JSON.parse(`"${text}"`) as string),
    Buffer.from(text.replaceAll(/[\s:]/g, ''), 'hex').toString(),
    text.replaceAll("'\\''", "'").replaceAll(`'"'"'`, "'"),
    text.replaceAll(/\\(.)/g, '$1'),
  ];
}

/** Whether the text is base64 of the value, but for the bits that its first and last byte share with others. */
function isBase64Of(text: string, secret: string): boolean {
  const inner = Buffer.from(secret).subarray(1, -1);
  const flat = text.replaceAll(/\s/g, '');
  return ['', 'A', 'AA', 'AAA'].some((pad) => Buffer.from(`${pad}${flat}A`, 'base64').includes(inner));
}

describe('what is taken out', () => {
  test('stands for a secret, however much the text around it looks like one', () => {
    const near = fc.string({ unit: fc.constantFrom(...Array.from('a7/"6137YTc\\u00%x +\n')), maxLength: 12 });
    const secret = fc.string({ unit: fc.constantFrom('a', '7', '/', '"'), minLength: 4, maxLength: 6 });
    const spelled = fc.tuple(secret, fc.constantFrom(...Object.values(spellings))).map(([text, spell]) => spell(text));
    const cut = fc.tuple(spelled, fc.nat(8), fc.nat(8)).map(([text, from, less]) => text.slice(from, text.length - less));
    let found = 0;
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 3 }), fc.array(fc.oneof(near, spelled, cut)), (values, parts) => {
        const text = parts.join('');
        const scanner = new Scanner(formsOf(values));
        scanner.scan(Buffer.from(text));
        const taken = scanner.takeUntil(text.length).map(({ end, start }) => text.slice(start, end));
        found += taken.length;
        const standsForOne = (gone: string) =>
          values.some((one) => readings(gone).some((reading) => reading.includes(one)) || isBase64Of(gone, one));
        expect(taken.filter((gone) => !standsForOne(gone))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
    expect(found).toBeGreaterThan(3);
  });
});

test('much text is looked for in the spellings of common programs alone, for the sake of memory', () => {
  const long = `k/é "${'0123456789abcde '.repeat(2100)}`;
  const size = ({ encoded, literal }: ReturnType<typeof formsOf>) => [...encoded, ...literal].reduce((sum, form) => sum + form.length, 0);
  expect(size(formsOf([long]))).toBeLessThan(25 * Buffer.byteLength(long));
  for (const form of [long, encodeURIComponent(long), JSON.stringify(long).slice(1, -1), Buffer.from(`.${long}`).toString('base64')]) {
    expect(redact([long], `<${form}>`)).toMatch(/^<\S{0,3}\[redacted\]\S{0,4}>$/);
  }
});
