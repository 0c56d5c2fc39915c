/** The byte sequences that give secrets away. */
export interface Forms {
  /** Found as they stand: the value, URL-encoded and JSON-escaped. */
  readonly literal: readonly Buffer[];
  /** Found with line breaks inside them too, and with `-_` written as `+/`: base64 and hex. */
  readonly encoded: readonly Buffer[];
  /** Found only where they stand alone: ordinary words, which are parts of many others. */
  readonly tokens: readonly Buffer[];
}

/** Values shorter than this many bytes turn up by chance everywhere. */
const shortest = 4;

/** Lines of a value shorter than this are parts of it, and no secrets of their own. */
const shortestLine = 8;

/** An ordinary word is not longer than this: `production`, `eu-central-1`. */
const longestWord = 12;

/** Whether a value is too short to be looked for at all. */
export function isTooShort(value: string): boolean {
  return Buffer.byteLength(value) < shortest;
}

/** Whether a value is a short word, number, or a few of them joined: taken out everywhere, it would leave little of a log. */
export function isOrdinary(value: string): boolean {
  return value.length <= longestWord && /^(?:[A-Za-z][a-z]*|[A-Z]+|\d+)(?:[-_.](?:[A-Za-z][a-z]*|[A-Z]+|\d+))*$/.test(value);
}

/**
 * Above so many bytes of values in all, only the spellings that common programs write are looked for: each spelling of each
 * byte costs memory and time, and half a megabyte in every spelling there is would take a gigabyte.
 */
const mostInEverySpelling = 16 * 1024;

/** Every form of these values, and of those lines of values with several that would be secrets of their own. */
export function formsOf(values: readonly string[]): Forms {
  const literal = new Set<string>();
  const encoded = new Set<string>();
  const long = values.filter((value) => !isTooShort(value));
  const words = [...new Set(long.filter(isOrdinary))];
  const wanted = [...new Set(long.filter((value) => !isOrdinary(value)).flatMap(withLines))];
  const total = wanted.reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  const spellings = total > mostInEverySpelling ? 'common' : 'every';
  for (const value of wanted) {
    const bytes = Buffer.from(value);
    for (const form of [value, ...urlForms(bytes, spellings), ...jsonForms(value, spellings)]) literal.add(form);
    if (spellings === 'every') for (const form of [...dumpForms(bytes), ...shellForms(value)]) literal.add(form);
    for (const form of [...base64Forms(bytes), bytes.toString('hex'), bytes.toString('hex').toUpperCase()]) encoded.add(form);
  }
  const toBuffers = (forms: ReadonlySet<string>) => [...forms].map((form) => Buffer.from(form));
  return { literal: toBuffers(literal), encoded: toBuffers(encoded), tokens: toBuffers(new Set(words.flatMap(wordForms))) };
}

type Spellings = 'every' | 'common';

/** Lines without the white space around them: programs indent what they print, and change line ends. */
function withLines(value: string): string[] {
  const lines = value.split(/\r\n|\r|\n/);
  if (lines.length === 1) return [value];
  return [value, ...lines.map((line) => line.trim()).filter((line) => Buffer.byteLength(line) >= shortestLine && !isOrdinary(line))];
}

function wordForms(word: string): string[] {
  const bytes = Buffer.from(word);
  const base64 = bytes.toString('base64');
  return [word, base64, base64.replace(/=+$/, ''), bytes.toString('hex'), bytes.toString('hex').toUpperCase()];
}

/**
 * What is sure to appear in the base64 of any data around these bytes, for each of the three places a byte can have in a
 * group, then the same followed by the end of the data, without and with padding. A character that holds bits of a
 * neighbour cannot be foreseen; up to four bits of the first and of the last byte stay visible in those.
 */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const first = Math.ceil((offset * 8) / 6);
    const afterLastSure = Math.floor(((offset + bytes.length) * 8) / 6);
    return [whole.slice(first, afterLastSure), whole.slice(first).replace(/=+$/, ''), whole.slice(first)];
  });
}

/** The ways programs differ in: which characters stay as they are, how a space is written, and the case of hex digits. */
function urlForms(bytes: Buffer, spellings: Spellings): string[] {
  const unreserved = /[A-Za-z0-9\-._~]/;
  const component = /[A-Za-z0-9\-._~!'()*]/;
  const form = /[A-Za-z0-9\-._*]/;
  const path = /[A-Za-z0-9\-._~/]/;
  const whole = /[A-Za-z0-9\-._~!'()*;,/?:@&=+$#]/;
  const none = /[^\0-\x7f]/;
  if (spellings === 'common') {
    const text = percentEncode(bytes, component, '%20');
    return [text, lowerCaseCodes(text), percentEncode(bytes, form, '+')];
  }
  const forms = [unreserved, component, form, path, whole, none].flatMap((characters) => [
    percentEncode(bytes, characters, '%20'),
    percentEncode(bytes, characters, '+'),
  ]);
  return forms.flatMap((text) => [text, lowerCaseCodes(text)]);
}

function lowerCaseCodes(text: string): string {
  return text.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
}

function percentEncode(bytes: Buffer, kept: RegExp, space: string): string {
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    if (character === ' ') return space;
    return byte < 0x80 && kept.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

/**
 * What is required to be escaped; with everything beyond ASCII, with what HTML treats specially, with the slash; with short
 * escapes and without; every character of it.
 */
function jsonForms(value: string, spellings: Spellings): string[] {
  const plain = JSON.stringify(value).slice(1, -1);
  // The ranges are UTF-16 units, as JSON escapes those.
  const ascii = unicodeEscape(plain, /[\u007f-\uffff]/g);
  if (spellings === 'common') return [plain, ascii, plain.replaceAll('/', '\\/')];
  const forms = [
    plain,
    ascii,
    unicodeEscape(plain, /[<>&\u2028\u2029]/g),
    unicodeEscape(plain, /[<>&\u007f-\uffff]/g),
    unicodeEscape(value.replaceAll('\\', '\\\\'), /[^ !#-%(-*,-;=?-_a-~]/g),
    longEscapes(plain),
    longEscapes(ascii),
    unicodeEscape(value, /[^]/g),
  ];
  const slashed = forms.flatMap((text) => [text, text.replaceAll('/', '\\/')]);
  return slashed.flatMap((text) => [text, text.replaceAll(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`)]);
}

function unicodeEscape(text: string, characters: RegExp): string {
  return text.replaceAll(characters, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** `\u000a` for `\n` and its like. An escaped backslash before such a letter is none of them. */
function longEscapes(json: string): string {
  const codes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
  return json.replaceAll(/\\(.)/g, (escape, letter: string) => unicodeEscape(codes[letter] ?? '', /[^]/g) || escape);
}

/** In hex byte by byte, as dumps and C strings write it. */
function dumpForms(bytes: Buffer): string[] {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  const dumps = [digits.join(' '), digits.join(':'), digits.map((code) => `\\x${code}`).join('')];
  return [...dumps, digits.join(' ').toUpperCase(), digits.join(':').toUpperCase()];
}

/** As a shell writes it in a trace or a list of variables: inside single quotes, inside double quotes, and by `printf %q`. */
function shellForms(value: string): string[] {
  return [
    value.replaceAll("'", `'\\''`),
    value.replaceAll("'", `'"'"'`),
    value.replaceAll(/["$\\`]/g, '\\$&'),
    value.replaceAll(/[ !"#$&'()*,;<>?[\\\]^`{|}~]/g, '\\$&'),
  ];
}
