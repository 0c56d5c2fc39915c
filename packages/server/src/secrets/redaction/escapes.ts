const escape = 0x1b;

/** What is longer is text that only begins like a control sequence. */
const longest = 64;

interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * Tells a terminal's control sequences, such as those for colours, from what it shows: escape, `[`, parameters and a last byte; or
 * escape, intermediate bytes and a last byte (ECMA-48). What is between them stands next to each other on a screen.
 */
export class EscapeReader {
  #state: 'none' | 'escape' | 'parameters' | 'intermediate' = 'none';
  #start = 0;
  /** The bytes from there on, in case they turn out to be text. */
  #held: number[] = [];
  /** Those that {@link startOf} may still be asked about. */
  #past: Stretch[] = [];

  /**
   * What the byte at this position is. Text that began like a sequence and is none is given back first, with the position of its
   * first byte.
   */
  read(byte: number, position: number, giveBack: (bytes: readonly number[], from: number) => void): 'plain' | 'control' {
    if (byte !== escape && this.#state === 'none') return 'plain';
    const isFinal = byte === escape ? undefined : this.#take(byte, position);
    if (isFinal === undefined) {
      const [text, from] = [this.#held, this.#start];
      this.#held = [];
      this.#state = 'none';
      if (text.length > 0) giveBack(text, from);
      if (byte !== escape) return 'plain';
      this.#state = 'escape';
      this.#start = position;
    }
    this.#held.push(byte);
    if (isFinal === true) {
      this.#past.push({ start: this.#start, end: position + 1 });
      this.#held = [];
      this.#state = 'none';
    }
    return 'control';
  }

  /** A secret ends at this position and goes: what of a sequence comes after it is text then. */
  cut(position: number): void {
    if (this.#state === 'none') return;
    this.#past.push({ start: this.#start, end: position });
    this.#held = [];
    this.#state = 'none';
  }

  /** The position itself, or the beginning of the sequence that it lies in. */
  startOf(position: number): number {
    if (this.#state !== 'none' && position > this.#start) return this.#start;
    const within = this.#past.findLast(({ start, end }) => start < position && position < end);
    return within?.start ?? position;
  }

  /** Nobody will ask about what ends by this position. */
  forget(position: number): void {
    if (this.#past.length > 0) this.#past = this.#past.filter(({ end }) => end > position);
  }

  /** Whether the byte ends the sequence; undefined when it is none of its bytes. */
  #take(byte: number, position: number): boolean | undefined {
    if (position - this.#start >= longest) return undefined;
    if (this.#state === 'escape' && byte === 0x5b) {
      this.#state = 'parameters';
      return false;
    }
    if (this.#state === 'parameters' && byte >= 0x30 && byte <= 0x3f) return false;
    if (byte >= 0x20 && byte <= 0x2f) {
      if (this.#state === 'escape') this.#state = 'intermediate';
      return false;
    }
    const firstFinal = this.#state === 'parameters' ? 0x40 : 0x30;
    return byte >= firstFinal && byte <= 0x7e ? true : undefined;
  }
}
