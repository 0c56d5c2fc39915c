import { shownText } from '../parts/shown-text.js';

/** How a piece of a log looks, as the sequences of a terminal say. */
export interface Style {
  /** Of the sixteen named colours by their number, or `#rrggbb`. */
  readonly ink?: string;
  readonly paper?: string;
  readonly bold?: true;
  readonly faint?: true;
  readonly italic?: true;
  readonly underline?: true;
  readonly strike?: true;
  readonly inverse?: true;
}

/** A piece of a line in one style. */
export interface Piece {
  readonly text: string;
  readonly style: Style;
}

/** Text without colours. */
export const plain: Style = {};

/** Any sequence of a terminal; the first group is what a colour sequence asks for. */
// oxlint-disable-next-line no-control-regex -- they begin with one
const sequence = /\u001b(?:\[([\d;:]*)m|\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;

/** Splits a line into pieces of one style. Sequences that do more than style are left out; what else cannot be seen is made visible. */
export function readStyles(line: string, start: Style): { readonly pieces: readonly Piece[]; readonly end: Style } {
  if (!line.includes('\u001b')) return { pieces: line === '' ? [] : [{ text: shownText(line), style: start }], end: start };
  const pieces: Piece[] = [];
  let style = start;
  let from = 0;
  const take = (to: number): void => {
    if (to > from) pieces.push({ text: shownText(line.slice(from, to)), style });
  };
  for (const match of line.matchAll(sequence)) {
    take(match.index);
    from = match.index + match[0].length;
    if (match[1] !== undefined) style = styled(style, match[1]);
  }
  take(line.length);
  return { pieces, end: style };
}

/** The text alone. */
export function withoutStyles(line: string): string {
  return line.includes('\u001b') ? line.replaceAll(sequence, '') : line;
}

function styled(before: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number);
  let style: { -readonly [K in keyof Style]: Style[K] } = { ...before };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 0) style = {};
    else if (code === 1) style.bold = true;
    else if (code === 2) style.faint = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.underline = true;
    else if (code === 7) style.inverse = true;
    else if (code === 9) style.strike = true;
    else if (code === 22) {
      delete style.bold;
      delete style.faint;
    } else if (code === 23) delete style.italic;
    else if (code === 24) delete style.underline;
    else if (code === 27) delete style.inverse;
    else if (code === 29) delete style.strike;
    else if (code === 39) delete style.ink;
    else if (code === 49) delete style.paper;
    else if (code === 38 || code === 48) {
      const { color, used } = extended(codes.slice(at + 1));
      at += used;
      if (color !== undefined) style[code === 38 ? 'ink' : 'paper'] = color;
    } else {
      const named = namedColor(code);
      if (named !== undefined) style[named.of] = named.color;
    }
  }
  return style;
}

function namedColor(code: number): { of: 'ink' | 'paper'; color: string } | undefined {
  if (code >= 30 && code <= 37) return { of: 'ink', color: String(code - 30) };
  if (code >= 90 && code <= 97) return { of: 'ink', color: String(code - 82) };
  if (code >= 40 && code <= 47) return { of: 'paper', color: String(code - 40) };
  return code >= 100 && code <= 107 ? { of: 'paper', color: String(code - 92) } : undefined;
}

function extended([kind, ...rest]: readonly number[]): { color?: string; used: number } {
  const byte = (value: number | undefined): number => Math.min(255, Math.max(0, value ?? 0));
  if (kind === 2) return { color: hex([byte(rest[0]), byte(rest[1]), byte(rest[2])]), used: 4 };
  if (kind !== 5) return { used: 0 };
  const index = byte(rest[0]);
  if (index < 16) return { color: String(index), used: 2 };
  if (index >= 232) return { color: hex(Array.from({ length: 3 }, () => 8 + (index - 232) * 10)), used: 2 };
  const cube = index - 16;
  const level = (value: number): number => (value === 0 ? 0 : 55 + value * 40);
  return { color: hex([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]), used: 2 };
}

function hex(bytes: readonly number[]): string {
  return `#${bytes.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
