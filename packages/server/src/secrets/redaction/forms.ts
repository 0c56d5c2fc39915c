/** The byte sequences that give secrets away. */
export interface Forms {
  /** Found as they stand: the value, URL-encoded and JSON-escaped. */
  readonly literal: readonly Buffer[];
  /** Found with line breaks inside them too, and with `-_` written as `+/`: base64 and hex. */
  readonly encoded: readonly Buffer[];
}

/** Values shorter than this many bytes turn up by chance everywhere. */
const shortest = 4;

/** Every form of these values, and of each line of those that have several. */
export function formsOf(values: readonly string[]): Forms {
  const literal = new Set<string>();
  const encoded = new Set<string>();
  for (const value of new Set(values.flatMap(withLines))) {
    const bytes = Buffer.from(value);
    if (bytes.length < shortest) continue;
    for (const form of [value, ...urlForms(bytes), ...jsonForms(value)]) literal.add(form);
    for (const form of [...base64Forms(bytes), bytes.toString('hex'), bytes.toString('hex').toUpperCase()]) encoded.add(form);
  }
  const toBuffers = (forms: ReadonlySet<string>) => [...forms].map((form) => Buffer.from(form));
  return { literal: toBuffers(literal), encoded: toBuffers(encoded) };
}

/** Lines without the white space around them: programs indent what they print, and change line ends. */
function withLines(value: string): string[] {
  const lines = value.split(/\r\n|\r|\n/);
  return lines.length === 1 ? [value] : [value, ...lines.map((line) => line.trim())];
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
function urlForms(bytes: Buffer): string[] {
  const unreserved = /[A-Za-z0-9\-._~]/;
  const component = /[A-Za-z0-9\-._~!'()*]/;
  const form = /[A-Za-z0-9\-._*]/;
  const path = /[A-Za-z0-9\-._~/]/;
  const whole = /[A-Za-z0-9\-._~!'()*;,/?:@&=+$#]/;
  const spellings = [unreserved, component, form, path, whole].flatMap((kept) => [
    percentEncode(bytes, kept, '%20'),
    percentEncode(bytes, kept, '+'),
  ]);
  return spellings.flatMap((spelling) => [spelling, spelling.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]);
}

function percentEncode(bytes: Buffer, kept: RegExp, space: string): string {
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    if (character === ' ') return space;
    return byte < 0x80 && kept.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

/** What is required to be escaped; with everything beyond ASCII, with what HTML treats specially, with the slash. */
function jsonForms(value: string): string[] {
  const plain = JSON.stringify(value).slice(1, -1);
  const escape = (text: string, characters: RegExp) =>
    text.replaceAll(characters, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  // The range is UTF-16 units, as JSON escapes those.
  const ascii = escape(plain, /[\u007f-\uffff]/g);
  const html = escape(plain, /[<>&\u2028\u2029]/g);
  const all = escape(plain, /[<>&\u007f-\uffff]/g);
  const spellings = [plain, ascii, html, all].flatMap((text) => [text, text.replaceAll('/', '\\/')]);
  return spellings.flatMap((text) => [text, text.replaceAll(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`)]);
}
