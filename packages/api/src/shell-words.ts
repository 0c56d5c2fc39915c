/**
 * One word of a `sh` command line that stands for exactly this text, wherever it stands: a bare word could be a keyword or an
 * assignment. Throws TypeError for a NUL, which no word can hold.
 */
export function shellQuote(text: string): string {
  if (text.includes('\0')) throw new TypeError('a shell word cannot hold a NUL byte');
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Words as a line that a shell reads back as the same words. For people to read: those that need no quotes have none. */
export function shellWords(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : shellQuote(word))).join(' ');
}
