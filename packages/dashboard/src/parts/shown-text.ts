/** Characters that show nothing, move the cursor or turn the direction of the text around them. */
// oxlint-disable-next-line no-control-regex -- they are what it is about
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Surrogate}/gu;

/** Text that others wrote, with what cannot be seen made visible: `␛` for an escape, `U+202E` for a mark that turns the text around. */
export function shownText(text: string): string {
  return text.replaceAll(unseen, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '\u2421';
    return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
  });
}

/** The same on one line, and no longer than fits a list. */
export function shownLine(text: string, length = 300): string {
  const line = shownText(text.slice(0, length + 1).replaceAll(/\s+/g, ' ')).trim();
  return text.length > length ? `${line.slice(0, length)}…` : line;
}
