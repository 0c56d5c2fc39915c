import { plain, readStyles, type Style, withoutStyles } from './sgr.js';

/** A line longer than this is shown as far as this. */
const shownLength = 2000;

/** A log in lines, as it comes in. It only grows; whoever shows it asks for the lines that are on the screen. */
export class LogLines {
  readonly #lines: string[] = [];
  /** The last line, while more of it may come. */
  #open = '';
  /** Where lines begin in another style than the one before ended in or began with. */
  readonly #styles: { readonly line: number; readonly style: Style }[] = [{ line: 0, style: plain }];
  #style: Style = plain;
  readonly #times: { readonly line: number; readonly at: number }[] = [];
  #longest = 0;

  /** Adds what came next, written at this time. */
  append(text: string, at: number | undefined): void {
    if (text === '') return;
    const first = this.#lines.length;
    if (at !== undefined && this.#times.at(-1)?.at !== at) this.#times.push({ line: first, at });
    const parts = text.split('\n');
    parts[0] = `${this.#open}${parts[0] ?? ''}`;
    this.#open = parts.pop() ?? '';
    for (const part of parts) this.#add(overwritten(part));
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#longest = Math.max(this.#longest, Math.min(line.length, shownLength + 40));
    if (!line.includes('\u001b')) return;
    const { end } = readStyles(line, this.#style);
    this.#style = end;
    this.#styles.push({ line: this.#lines.length, style: end });
  }

  /** How many lines there are, the unfinished one among them. */
  get count(): number {
    return this.#lines.length + (this.#open === '' ? 0 : 1);
  }

  /** The characters of the longest line, as far as it is shown. */
  get width(): number {
    return Math.max(this.#longest, Math.min(this.#open.length, shownLength + 40));
  }

  /** A whole line, counted from 0. */
  line(index: number): string {
    return this.#lines[index] ?? overwritten(this.#open);
  }

  /** What of a line is shown, the style it begins in, and how much is left out. */
  shown(index: number): { readonly text: string; readonly style: Style; readonly rest: number } {
    const line = this.line(index);
    const style = before(this.#styles, index)?.style ?? plain;
    const rest = Math.max(0, line.length - shownLength);
    return { text: rest === 0 ? line : line.slice(0, shownLength), style, rest };
  }

  /** When a line was written, in milliseconds since 1970. */
  timeOf(index: number): number | undefined {
    return before(this.#times, index)?.at;
  }

  /** The lines that hold a text, whatever the case. */
  find(text: string): readonly number[] {
    const wanted = text.toLowerCase();
    const found: number[] = [];
    for (let index = 0; index < this.count; index += 1) {
      if (withoutStyles(this.line(index)).toLowerCase().includes(wanted)) found.push(index);
    }
    return found;
  }

  /** All of it, as it was written. */
  text(): string {
    return [...this.#lines, this.#open].join('\n');
  }
}

/** What is left on a terminal of a line that was written over. */
function overwritten(line: string): string {
  const whole = line.endsWith('\r') ? line.slice(0, -1) : line;
  const from = whole.lastIndexOf('\r');
  return from < 0 ? whole : whole.slice(from + 1);
}

/** The last of these marks at or before a line. */
function before<Mark extends { readonly line: number }>(marks: readonly Mark[], line: number): Mark | undefined {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((marks[middle]?.line ?? 0) <= line) low = middle + 1;
    else high = middle;
  }
  return marks[low - 1];
}
