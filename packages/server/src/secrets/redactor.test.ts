import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isOrdinary } from './redaction/forms.js';
import { createRedactor } from './redactor.js';

/** Everything the redactor returns for these pieces. */
function redact(secrets: readonly string[], ...chunks: readonly (string | Buffer)[]): string {
  const redactor = createRedactor(secrets);
  const texts = chunks.map((chunk) => redactor.push(Buffer.from(chunk)).text);
  return [...texts, redactor.end().text].join('');
}

function wrap(text: string, width: number, lineBreak: string): string {
  return text.match(new RegExp(`.{1,${width}}`, 'g'))?.join(lineBreak) ?? '';
}

function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let from = 0;
  for (let at = 0; from < bytes.length; at++) {
    const length = lengths[at % lengths.length] ?? 1;
    chunks.push(bytes.subarray(from, from + length));
    from += length;
  }
  return chunks;
}

const secret = 'hunter2!+/ Ω"\\';

describe('createRedactor', () => {
  test('its example', () => {
    expect(createRedactor(['hunter2']).push(Buffer.from('password: hunter2\n')).text).toBe('password: [redacted]\n');
  });

  test.each([
    ['as it stands', secret],
    ['URL-encoded', encodeURIComponent(secret)],
    ['URL-encoded in lower case', encodeURIComponent(secret).replaceAll(/%../g, (code) => code.toLowerCase())],
    ['as a form field', new URLSearchParams({ '': secret }).toString().slice(1)],
    ['in hex', Buffer.from(secret).toString('hex')],
    ['in upper-case hex', Buffer.from(secret).toString('hex').toUpperCase()],
    ['JSON-escaped', JSON.stringify(secret).slice(1, -1)],
    ['JSON-escaped to ASCII', JSON.stringify(secret).slice(1, -1).replace('Ω', '\\u03a9')],
    ['in base64', Buffer.from(secret).toString('base64')],
    ['in base64 without padding', Buffer.from(secret).toString('base64').replace(/=+$/, '')],
    ['in URL-safe base64', Buffer.from(secret).toString('base64url')],
  ])('a secret %s', (_, form) => {
    expect(redact([secret], `<${form}>`)).toBe('<[redacted]>');
    expect(redact([secret], ...Array.from(Buffer.from(`<${form}>`), (byte) => Buffer.of(byte)))).toBe('<[redacted]>');
  });

  test('a secret inside encoded data leaves at most the characters that hold bits of its neighbours', () => {
    for (const before of ['', 'u', 'us', 'use', 'user:']) {
      for (const after of ['', 'x', 'xy', 'xyz']) {
        const out = redact(['correct horse'], Buffer.from(`${before}correct horse${after}`).toString('base64'));
        const rest = Buffer.from(out.replace('[redacted]', ''), 'base64').toString('latin1');
        expect(out).toContain('[redacted]');
        expect(rest).not.toMatch(/orrec|hors/);
      }
    }
  });

  test.each([
    [64, '\n'],
    [76, '\n'],
    [76, '\r\n'],
    [60, '\n    '],
  ])('encoded data wrapped at %i with %j', (width, lineBreak) => {
    const value = 'correct horse battery staple '.repeat(4);
    for (let offset = 0; offset < 70; offset++) {
      const data = Buffer.from(`${'.'.repeat(offset)}${value}${'.'.repeat(30)}`);
      for (const encoding of ['base64', 'base64url', 'hex'] as const) {
        const out = redact([value], wrap(data.toString(encoding), width, lineBreak));
        const rest = out.replaceAll(/\s/g, '').split('[redacted]');
        expect(rest).toHaveLength(2);
        expect(rest.map((part) => Buffer.from(part, encoding).toString('latin1')).join('')).not.toMatch(/correct|horse|battery|staple/);
      }
    }
  });

  test('each line of a secret with several', () => {
    const key = '-----BEGIN KEY-----\n  first line\n\nabc\nlast line\n-----END KEY-----\n';
    expect(redact([key], key)).toBe('[redacted]');
    expect(redact([key], '> first line\r\n> abc\r\n> last line')).toBe('> [redacted]\r\n> abc\r\n> [redacted]');
    expect(redact([key], Buffer.from('last line').toString('hex'))).toBe('[redacted]');
  });

  test('secrets that overlap go together; one beside another counts for itself', () => {
    expect(redact(['abc4ef', '4efgh1'], 'abc4efgh1')).toBe('[redacted]');
    expect(redact(['p4ss', 'p4ssword'], 'p4ssword p4sswork')).toBe('[redacted] [redacted]work');
    expect(redact(['abc4', 'ef7h'], 'abc4ef7h')).toBe('[redacted][redacted]');
  });

  test('values under four bytes are not looked for', () => {
    expect(redact(['abc', '', '1'], 'abc1')).toBe('abc1');
    expect(redact(['€1'], '€1')).toBe('[redacted]');
  });

  test('without secrets everything passes at once, whole characters only', () => {
    const redactor = createRedactor([]);
    expect(redactor.push(Buffer.from('ab'))).toEqual({ text: 'ab', consumed: 2 });
    expect(redactor.push(Buffer.from([0x63, 0xe2, 0x82]))).toEqual({ text: 'c', consumed: 3 });
    expect(redactor.push(Buffer.from([0xac]))).toEqual({ text: '€', consumed: 6 });
    expect(redactor.push(Buffer.from([0xf0, 0x9f]))).toEqual({ text: '', consumed: 6 });
    expect(redactor.end()).toEqual({ text: '\uFFFD', consumed: 8 });
  });

  test('an ordinary line is returned as soon as it is complete, and what may begin a secret waits', () => {
    const redactor = createRedactor(['hunter2']);
    expect(redactor.push(Buffer.from('Unpacking tools ... done\n')).text).toBe('Unpacking tools ... done\n');
    expect(redactor.push(Buffer.from('my hun'))).toEqual({ text: 'my ', consumed: 28 });
    expect(redactor.push(Buffer.from('gry cat\n')).text).toBe('hungry cat\n');
  });

  test('what is not UTF-8, and NUL, become U+FFFD', () => {
    expect(redact(['hunter2'], Buffer.from([0x61, 0, 0xff, 0x62]))).toBe('a\uFFFD\uFFFDb');
    expect(redact(['hunter2'], Buffer.from([0xe2, 0x82]), 'hunter2', Buffer.from([0xac]))).toBe('\uFFFD[redacted]\uFFFD');
  });

  test('the caller may use its chunk again', () => {
    const redactor = createRedactor(['hunter2']);
    const chunk = Buffer.from('hunt');
    redactor.push(chunk);
    chunk.fill('x');
    expect(redactor.end().text).toBe('hunt');
  });

  test('10 MB and 256 variables of several forms', () => {
    const secrets = Array.from({ length: 256 }, (_, at) => `value/${at}+${Buffer.from(`k${at * 7919}`.repeat(8)).toString('base64')}`);
    const line = Buffer.from(`Get:1 http://deb.debian.org/debian bookworm/main amd64 libc6 ${'0123456789abcdef'.repeat(4)} [2758 kB]\n`);
    const block = Buffer.concat([...Array.from({ length: 600 }, () => line), Buffer.from(`${secrets[99]}\n`)]);
    const blocks = Math.ceil(10_000_000 / block.length);
    const redactor = createRedactor(secrets);
    let found = 0;
    for (let at = 0; at < blocks; at++) found += redactor.push(block).text.split('[redacted]').length - 1;
    expect(found).toBe(blocks);
  });
});

/** Few letters, so that secrets overlap, repeat and begin like one another. Ordinary words have their own tests. */
const secretText = fc
  .oneof(
    fc.string({ unit: fc.constantFrom('a', '7'), minLength: 4, maxLength: 9 }),
    fc.string({ unit: fc.constantFrom('a', '7', ' ', '+', '/', 'é', '"'), minLength: 4, maxLength: 30 }),
    fc.string({ unit: fc.constantFrom('a', '7', '\n'), minLength: 6, maxLength: 20 }),
    fc.string({ unit: fc.constantFrom('a', '7', '\u001b', '[', 'm'), minLength: 4, maxLength: 12 }),
    fc.string({ unit: 'grapheme', minLength: 8, maxLength: 200 }),
  )
  .filter((text) => !isOrdinary(text));
const secretTexts = fc.array(secretText, { minLength: 1, maxLength: 4 });

/** Output that holds secrets in many forms, whole and torn, between ordinary text and bytes that are no text. */
function outputOf(secrets: readonly string[]): fc.Arbitrary<Buffer> {
  const value = fc.constantFrom(...secrets).map((text) => Buffer.from(text));
  const noise = fc.oneof(
    fc
      .string({ unit: fc.constantFrom('a', '7', '\n', ' ', '%', '=', '\\', 'Y', '\u001b', '[', '\u001b[31m', '\u001b(B'), maxLength: 12 })
      .map((text) => Buffer.from(text)),
    fc.constantFrom(17, 40, 76).map((length) => Buffer.from(`${'Y'.repeat(length)}\n`)),
    fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  );
  const embedded = fc.tuple(noise, value, noise).map((parts) => Buffer.concat(parts));
  const encoded = fc
    .tuple(
      embedded,
      fc.constantFrom('base64', 'base64url', 'hex'),
      fc.constantFrom(5, 16, 20, 64, 76, 10_000),
      fc.constantFrom('\n', '\r\n', '\n  '),
    )
    .map(([bytes, encoding, width, lineBreak]) => Buffer.from(wrap(bytes.toString(encoding as 'base64'), width, lineBreak)));
  const coloured = fc
    .tuple(value, fc.array(fc.constantFrom('', '', '\u001b[0m', '\u001b[1;31m', '\u001b(B\u001b[m'), { minLength: 1, maxLength: 5 }))
    .map(([bytes, codes]) =>
      Buffer.concat(Array.from(bytes, (byte, at) => Buffer.from([...Buffer.from(codes[at % codes.length] ?? ''), byte]))),
    );
  const torn = fc.tuple(fc.oneof(value, encoded, coloured), fc.nat(40)).map(([bytes, length]) => bytes.subarray(0, length));
  return fc.array(fc.oneof(noise, value, encoded, coloured, torn), { maxLength: 12 }).map((parts) => Buffer.concat(parts));
}

const example = secretTexts.chain((secrets) =>
  fc.record({
    secrets: fc.constant(secrets),
    output: outputOf(secrets),
    lengths: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
  }),
);

/** As a screen shows it; what was taken out stands for itself. */
function plain(output: string): string {
  // oxlint-disable-next-line no-control-regex
  return output.replaceAll('[redacted]', '\0').replaceAll(/\u001b(?:\[[0-?]*[ -/]*[@-~]|[ -/]*[0-Z\\-~])/g, '');
}

describe('an ordinary short word', () => {
  const words = ['production', 'root', 'eu-west-1', '8080'];
  const whole = (output: string) => redact(words, output);

  test.each([
    ['ENV=production\n', 'ENV=[redacted]\n'],
    ['env: production, "root"', 'env: [redacted], "[redacted]"'],
    ['https://ana:root@example.com', 'https://ana:[redacted]@example.com'],
    ['on port 8080', 'on port [redacted]'],
    ['region=eu-west-1;', 'region=[redacted];'],
    ['\u001b[32mroot\u001b[0m r\u001b[1moo\u001b[0mt', '\u001b[32m[redacted]\u001b[0m [redacted]'],
    [`${Buffer.from('production').toString('base64')} ${Buffer.from('root').toString('hex')}`, '[redacted] [redacted]'],
  ])('standing alone is taken out: %j', (output, expected) => {
    expect(whole(output)).toBe(expected);
    expect(redact(words, ...Array.from(Buffer.from(output), (byte) => Buffer.of(byte)))).toBe(expected);
  });

  test.each([
    'uid=0(root) gid=0(root)',
    'root:x:0:0:root:/root:/bin/bash',
    'production.example.com, reproduction, production2, preproduction, /srv/production/app, --production',
    'eu-west-1a, us-eu-west-1, 18080, 8080/tcp',
    Buffer.from('the root of it').toString('base64'),
  ])('as a part of others is left alone: %s', (output) => {
    expect(whole(output)).toBe(output);
  });

  test('is found the same however the output is cut', () => {
    const piece = fc.constantFrom('root', 'production', ' ', '=', 'x', '\n', '"', '.', '@', '\u001b[1m', 'ro', 'ot', 'hunter2');
    const output = fc.array(piece, { maxLength: 20 }).map((pieces) => Buffer.from(pieces.join('')));
    fc.assert(
      fc.property(output, fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1 }), (bytes, lengths) => {
        const all = [...words, 'hunter2'];
        expect(redact(all, ...cut(bytes, lengths))).toBe(redact(all, bytes));
        expect(plain(redact(all, bytes))).not.toMatch(/(?:^|[\s"=])(?:root|production)(?:$|[\s"=@])|hunter2/);
      }),
      { numRuns: 300 },
    );
  });

  test('goes on after a crash; at worst the end of a word is taken for one', () => {
    const first = createRedactor(words);
    const { text, consumed } = first.push(Buffer.from('xyproduc'));
    const rest = Buffer.from('xyproduction ENV=production\n').subarray(consumed);
    expect(`${text}${redact(words, rest)}`).toBe('xy[redacted] ENV=[redacted]\n');
  });
});

describe('a value of several lines', () => {
  test('leaves lines alone that are no secrets of their own', () => {
    const note = 'root\nuser\nshort 1\nline 7/of it\n';
    expect(redact([note], 'uid=0(root) root user short 1 line 7/of it')).toBe('uid=0(root) root user short 1 [redacted]');
    expect(redact([note], note)).toBe('[redacted]');
  });
});

describe('redaction', () => {
  test('does not depend on how the output is cut into chunks', () => {
    fc.assert(
      fc.property(example, ({ secrets, output, lengths }) => {
        expect(redact(secrets, ...cut(output, lengths))).toBe(redact(secrets, output));
      }),
      { numRuns: 1000 },
    );
  });

  test('goes on after a crash from what was consumed, as if nothing had happened', () => {
    fc.assert(
      fc.property(example, fc.nat(), ({ secrets, output, lengths }, stopAt) => {
        const first = createRedactor(secrets);
        const chunks = cut(output, lengths);
        let before = '';
        let consumed = 0;
        for (const chunk of chunks.slice(0, stopAt % (chunks.length + 1))) {
          const redacted = first.push(chunk);
          before += redacted.text;
          expect(redacted.consumed).toBeGreaterThanOrEqual(consumed);
          consumed = redacted.consumed;
        }
        expect(before + redact(secrets, output.subarray(consumed))).toBe(redact(secrets, output));
      }),
      { numRuns: 1000 },
    );
  });

  test('lets no form of a secret through', () => {
    fc.assert(
      fc.property(example, ({ secrets, output }) => {
        // Its first character is in the alphabet, and could complete a beginning.
        const out = redact(secrets, output).replaceAll('[redacted]', '\0');
        for (const value of secrets) {
          const bytes = Buffer.from(value);
          const forms = [
            value,
            encodeURIComponent(value),
            bytes.toString('hex'),
            bytes.toString('base64url'),
            JSON.stringify(value).slice(1, -1),
          ];
          for (const form of forms) expect(out.includes(form)).toBe(false);
          // Between the characters of one that has control sequences itself, others are not looked past.
          expect(!value.includes('\u001b') && plain(out).includes(value)).toBe(false);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('takes what follows a secret within a control sequence for text, as a terminal would then show it', () => {
    const secrets = ['7a[\u001b[', 'a7a77'];
    expect(redact(secrets, '7a[\u001b[a\u001b[0m7a7\u001b[0m7')).toBe('[redacted][redacted]');
    expect(redact(['1;23;4', 'msecret7'], '\u001b[1;23;4m\u001b[0Ksecret7')).toBe('\u001b[[redacted][redacted]');
  });

  test('changes nothing where there is no secret', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('x', 'y', '7', '_'), minLength: 5 }), { minLength: 1 }),
        fc.string({ unit: 'grapheme' }),
        (secrets, text) => {
          fc.pre(!/[xy7_]|\0/.test(text));
          const encoded = Buffer.from(text.repeat(3)).toString('base64');
          expect(redact(secrets, text)).toBe(text);
          expect(redact(secrets, wrap(encoded, 76, '\n'))).toBe(wrap(encoded, 76, '\n'));
        },
      ),
      { numRuns: 300 },
    );
  });
});
