import { type Automaton, buildAutomaton } from './automaton.js';

/** By byte: whether a word may begin after it, or end before it. Not so in paths, in names with a domain and in brackets. */
const [mayPrecede, mayFollow] = [' \t\r\n\0"\'`=,;:', ' \t\r\n\0"\'`=,;@&'].map((characters) => {
  const table = new Uint8Array(256);
  for (const byte of Buffer.from(characters)) table[byte] = 1;
  return table;
}) as [Uint8Array, Uint8Array];

/** A word that may stand alone, told by the byte after it. */
interface Candidate {
  readonly length: number;
  readonly end: number;
}

/**
 * Finds words that stand alone. Begun in the middle of a stream it takes what comes first for the beginning of a word: at worst
 * it finds one where the end of another is.
 */
export class TokenFinder {
  readonly #words: Automaton;
  #state = 0;
  #candidate: Candidate | undefined;
  /** Whether each of the last bytes, by how many there were, may precede a word. */
  readonly #precedes: Uint8Array;
  #count = 0;

  constructor(words: readonly Buffer[]) {
    this.#words = buildAutomaton(words);
    this.longest = this.#words.longest;
    this.#precedes = new Uint8Array(this.#words.longest + 1).fill(1);
  }

  /** The length of the longest word; 0 when there are none, and nothing is to be found. */
  readonly longest: number;

  /** The next byte; `end` is the position after it. To be asked {@link ending} before. */
  step(byte: number, end: number): void {
    this.#state = this.#words.step(this.#state, byte);
    const length = this.#words.matched[this.#state] ?? 0;
    const size = this.#precedes.length;
    this.#precedes[this.#count % size] = mayPrecede[byte] ?? 0;
    this.#count++;
    // Only the longest word that ends here: in a shorter one the byte before is part of the longer.
    const isBegun = length > 0 && (length === this.#count || this.#precedes[(this.#count - length - 1) % size] === 1);
    this.#candidate = isBegun ? { length, end } : undefined;
  }

  /** The word that ended before this byte, if one did that stands alone. */
  ending(next: number): Candidate | undefined {
    const candidate = mayFollow[next] === 1 ? this.#candidate : undefined;
    if (candidate !== undefined) this.#candidate = undefined;
    return candidate;
  }

  /** How many of the last bytes may be a word, or the beginning of one. */
  pending(): number {
    return Math.max(this.#words.depth[this.#state] ?? 0, this.#candidate?.length ?? 0);
  }
}
