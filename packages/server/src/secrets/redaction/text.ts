const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The bytes as text that PostgreSQL can hold: what is not UTF-8, and NUL, become U+FFFD. */
export function toText(bytes: Uint8Array): string {
  return decoder.decode(bytes).replaceAll('\0', '\uFFFD');
}

/** How many bytes at the end begin a UTF-8 character that the bytes to come may complete: 0 to 3. */
export function unfinishedLength(bytes: Uint8Array): number {
  for (let length = 1; length <= 3 && length <= bytes.length; length++) {
    const lead = bytes.at(-length) ?? 0;
    if (isBetween(lead, 0x80, 0xbf)) continue;
    const second = length > 1 ? bytes.at(1 - length) : undefined;
    return length < lengthAfter(lead) && (second === undefined || canFollow(lead, second)) ? length : 0;
  }
  return 0;
}

function lengthAfter(lead: number): number {
  if (isBetween(lead, 0xc2, 0xdf)) return 2;
  if (isBetween(lead, 0xe0, 0xef)) return 3;
  return isBetween(lead, 0xf0, 0xf4) ? 4 : 1;
}

/** The second bytes that the Unicode standard's table 3-7 leaves out: overlong forms, surrogates, beyond U+10FFFF. */
function canFollow(lead: number, second: number): boolean {
  if (lead === 0xe0) return second >= 0xa0;
  if (lead === 0xed) return second <= 0x9f;
  if (lead === 0xf0) return second >= 0x90;
  return lead !== 0xf4 || second <= 0x8f;
}

function isBetween(byte: number, low: number, high: number): boolean {
  return byte >= low && byte <= high;
}
