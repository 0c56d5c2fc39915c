import { type Automaton, buildAutomaton } from './automaton.js';
import { EscapeReader } from './escapes.js';
import type { Forms } from './forms.js';
import { TokenFinder } from './tokens.js';

/** A stretch of the stream that gives a secret away. Positions count bytes from the stream's beginning. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** A scanner that begins later than this, and before the end, would not find it. At most `start`. */
  readonly guard: number;
}

/**
 * A line break inside an encoding is looked past after this many encoding characters in a row. Programs wrap at 60, 64 or
 * 76, and an ordinary line that ends in a word can be shown at once instead of waiting for what the next one begins with.
 */
const wrapWidth = 16;

/** Breaks and indentation between two wrapped lines; longer than this they belong to something else. */
const longestGap = 64;

const lineFeed = 10;
const carriageReturn = 13;
const space = 32;
const tab = 9;

/** By byte: the encoding character it is, with base64's two alphabets made one, or 0. */
const symbols = new Uint8Array(256);
for (const character of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=')) symbols[character] = character;
symbols[0x2d] = 0x2b;
symbols[0x5f] = 0x2f;

/** Finds the forms of secrets in a stream that comes in pieces. What it finds depends on nothing before {@link Scanner.safeEnd}. */
export class Scanner {
  /** What was found and not yet taken, in order, without overlaps. */
  readonly #spans: Span[] = [];
  readonly #literal: Automaton;
  readonly #encoded: Automaton;
  readonly #tokens: TokenFinder;
  readonly #escapes = new EscapeReader();
  #position = 0;
  #literalState = 0;
  /** As if no terminal's control sequence were there. The same as the one above unless there was one of late. */
  #plainState = 0;
  /** The positions of the last bytes outside of control sequences. */
  readonly #plain: Float64Array;
  readonly #plainMask: number;
  #plainCount = 0;
  #encodedState = 0;
  /** The encoding characters in a row up to here. */
  #run = 0;
  /** The bytes since the line break that an encoding may go on after; 0 when not at one. */
  #gap = 0;
  /** The last encoding characters' positions, and each one's run, capped at the wrap width. */
  readonly #positions: Float64Array;
  readonly #runs: Uint8Array;
  readonly #mask: number;
  #count = 0;
  /** The first encoding character since the last gap. */
  #lineBegin = 0;

  constructor(forms: Forms) {
    this.#literal = buildAutomaton(forms.literal);
    this.#encoded = buildAutomaton(forms.encoded);
    this.#tokens = new TokenFinder(forms.tokens);
    const plainSize = 2 ** Math.ceil(Math.log2(Math.max(this.#literal.longest, this.#tokens.longest) + 2));
    this.#plain = new Float64Array(plainSize);
    this.#plainMask = plainSize - 1;
    const size = 2 ** Math.ceil(Math.log2(this.#encoded.longest + 2));
    this.#positions = new Float64Array(size);
    this.#runs = new Uint8Array(size);
    this.#mask = size - 1;
  }

  /** Reads the next piece. */
  scan(chunk: Uint8Array): void {
    const literal = this.#literal;
    const giveBack = (bytes: readonly number[], from: number) => {
      for (const [at, byte] of bytes.entries()) {
        this.#endToken(byte);
        this.#scanPlain(byte, from + at);
      }
    };
    for (const byte of chunk) {
      const isPlain = this.#escapes.read(byte, this.#position, giveBack) === 'plain';
      if (isPlain && this.#tokens.longest > 0) this.#endToken(byte);
      const before = this.#literalState;
      const state = literal.step(before, byte);
      this.#literalState = state;
      this.#scanEncoded(byte);
      this.#position++;
      const length = literal.matched[state] ?? 0;
      if (length > 0) {
        this.#add(this.#position - length, this.#position - length);
        this.#escapes.cut(this.#position);
      }
      if (isPlain) this.#scanPlain(byte, this.#position - 1, before);
    }
  }

  /** Nothing comes any more: a word at the end stands alone. */
  finish(): void {
    this.#endToken(lineFeed);
  }

  /** The byte again, as a terminal shows it: next to the one before the last control sequence. */
  #scanPlain(byte: number, position: number, rawBefore?: number): void {
    this.#plain[this.#plainCount & this.#plainMask] = position;
    this.#plainCount++;
    if (this.#plainState === rawBefore) this.#plainState = this.#literalState;
    else {
      this.#plainState = this.#literal.step(this.#plainState, byte);
      const length = this.#literal.matched[this.#plainState] ?? 0;
      if (length > 0) this.#addPlain(length, position + 1);
    }
    if (this.#tokens.longest > 0) this.#tokens.step(byte, position + 1);
  }

  #addPlain(length: number, end: number): void {
    const start = this.#plainStart(length);
    this.#add(start, start, end);
  }

  #plainStart(length: number): number {
    return this.#plain[(this.#plainCount - length) & this.#plainMask] ?? 0;
  }

  #endToken(next: number): void {
    const ended = this.#tokens.ending(next);
    if (ended !== undefined) this.#addPlain(ended.length, ended.end);
  }

  /**
   * Up to here nothing more can be found, and a new scanner that begins here finds all the rest. Never inside a span, and
   * never moves back.
   */
  safeEnd(): number {
    let safe = this.#position - (this.#literal.depth[this.#literalState] ?? 0);
    const depth = this.#encoded.depth[this.#encodedState] ?? 0;
    if (depth > 0) safe = Math.min(safe, this.#guard(depth));
    // The same line may go on, and its break be looked past only because of these.
    if (this.#gap === 0 && this.#encoded.longest > 0) safe = Math.min(safe, this.#position - Math.min(this.#run, wrapWidth));
    const plain = Math.max(this.#literal.depth[this.#plainState] ?? 0, this.#tokens.pending());
    if (plain > 0) safe = Math.min(safe, this.#plainStart(plain));
    // A border inside a control sequence would make another one of it; and moving out of one may lead into a span.
    for (let before = Number.POSITIVE_INFINITY; safe < before;) {
      before = safe;
      safe = this.#escapes.startOf(safe);
      for (let at = this.#spans.length - 1; at >= 0; at--) {
        const span = this.#spans[at];
        if (span !== undefined && span.end > safe && span.guard < safe) safe = span.guard;
      }
    }
    this.#escapes.forget(safe);
    return safe;
  }

  /** Takes the spans that end by this position. */
  takeUntil(position: number): Span[] {
    const rest = this.#spans.findIndex((span) => span.end > position);
    return this.#spans.splice(0, rest === -1 ? this.#spans.length : rest);
  }

  #scanEncoded(byte: number): void {
    const symbol = symbols[byte] ?? 0;
    if (symbol !== 0) {
      if (this.#gap > 0) {
        this.#gap = 0;
        this.#lineBegin = this.#count;
      }
      this.#run++;
      this.#positions[this.#count & this.#mask] = this.#position;
      this.#runs[this.#count & this.#mask] = Math.min(this.#run, wrapWidth);
      this.#count++;
      this.#encodedState = this.#encoded.step(this.#encodedState, symbol);
      const length = this.#encoded.matched[this.#encodedState] ?? 0;
      if (length > 0) this.#addEncoded(length);
      return;
    }
    const isBreak = byte === lineFeed || byte === carriageReturn;
    const goesOn =
      this.#gap > 0 ? this.#gap < longestGap && (isBreak || byte === space || byte === tab) : isBreak && this.#run >= wrapWidth;
    this.#gap = goesOn ? this.#gap + 1 : 0;
    this.#run = 0;
    if (!goesOn) this.#encodedState = 0;
  }

  #addEncoded(length: number): void {
    const start = this.#positions[(this.#count - length) & this.#mask] ?? 0;
    const isOnOneLine = this.#count - length >= this.#lineBegin;
    this.#add(start, isOnOneLine ? start : this.#guard(length), this.#position + 1);
  }

  /** Where a scanner must begin to see the last `depth` encoding characters as one: they, and enough before their first gap. */
  #guard(depth: number): number {
    let at = this.#count - depth;
    const start = this.#positions[at & this.#mask] ?? 0;
    let position = start;
    while (at + 1 < this.#count && this.#positions[(at + 1) & this.#mask] === position + 1) {
      at++;
      position++;
    }
    return Math.min(start, position + 1 - (this.#runs[at & this.#mask] ?? 0));
  }

  /** Spans come in the order of their ends. Those that overlap become one; those that only touch stay two, as one of them may be gone already. */
  #add(firstStart: number, firstGuard: number, firstEnd = this.#position): void {
    let start = firstStart;
    let end = firstEnd;
    let guard = firstGuard;
    for (let last = this.#spans.at(-1); last !== undefined && last.end > start; last = this.#spans.at(-1)) {
      start = Math.min(start, last.start);
      // A word is known to stand alone only at the byte after it, and what was found in between may end later.
      end = Math.max(end, last.end);
      guard = Math.min(guard, last.guard);
      this.#spans.pop();
    }
    this.#spans.push({ start, end, guard });
  }
}
