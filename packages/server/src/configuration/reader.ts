import { isMapping } from '@murmur/api';

/** One mapping of the configuration. Whatever is wrong in it is noted, and reading goes on, so that all of it is told at once. */
export class Section {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #problems: string[];

  /** `path` is where the mapping stands, empty for the whole file. Keys that are not among the known ones are problems. */
  constructor(value: unknown, path: string, known: readonly string[], problems: string[]) {
    this.#path = path;
    this.#problems = problems;
    if (!isMapping(value)) {
      this.#fields = {};
      problems.push(path === '' ? 'expected mapping' : `${path}: expected mapping`);
      return;
    }
    this.#fields = value;
    for (const key of Object.keys(value)) if (!known.includes(key)) problems.push(`unknown field "${this.pathOf(key)}"`);
  }

  /** Where a field stands in the file. */
  pathOf(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`;
  }

  /** Whether the field is written down, with any value. */
  has(key: string): boolean {
    const value = this.#fields[key];
    return value !== undefined && value !== null;
  }

  /** Notes what is wrong with a field. */
  refuse(key: string, problem: string): void {
    this.#problems.push(`${this.pathOf(key)}: ${problem}`);
  }

  /** Notes what is wrong with the mapping as a whole. */
  refuseAll(problem: string): void {
    this.#problems.push(this.#path === '' ? problem : `${this.#path}: ${problem}`);
  }

  /** A text that is not empty; undefined when it is absent, or is none and has been noted. */
  text(key: string): string | undefined {
    if (!this.has(key)) return undefined;
    const value = this.#fields[key];
    if (typeof value === 'string' && value !== '') return value;
    this.refuse(key, value === '' ? 'must not be empty' : 'expected string');
    return undefined;
  }

  /** As {@link text}, and its absence is a problem. */
  required(key: string): string | undefined {
    if (!this.has(key)) this.#problems.push(`${this.pathOf(key)} is required`);
    return this.text(key);
  }

  /** A number of at least `least`; undefined when it is absent, or is none and has been noted. */
  number(key: string, { least, most = Number.MAX_SAFE_INTEGER }: { least: number; most?: number }): number | undefined {
    if (!this.has(key)) return undefined;
    const value = this.#fields[key];
    if (typeof value !== 'number') this.refuse(key, 'expected number');
    else if (!(value >= least && value <= most)) {
      this.refuse(key, most === Number.MAX_SAFE_INTEGER ? `must be at least ${least}` : `must be between ${least} and ${most}`);
    } else return value;
    return undefined;
  }

  /** As {@link number}, without a fraction. */
  wholeNumber(key: string, range: { least: number; most?: number }): number | undefined {
    const value = this.number(key, range);
    if (value === undefined || Number.isInteger(value)) return value;
    this.refuse(key, 'must be a whole number');
    return undefined;
  }

  /** A text or a number, as text; undefined when it is absent, or is neither and has been noted. */
  scalar(key: string): string | undefined {
    const value = this.#fields[key];
    return typeof value === 'number' ? String(value) : this.text(key);
  }

  /** A truth value; undefined when it is absent, or is none and has been noted. */
  truth(key: string): boolean | undefined {
    if (!this.has(key)) return undefined;
    const value = this.#fields[key];
    if (typeof value === 'boolean') return value;
    this.refuse(key, 'expected true or false');
    return undefined;
  }

  /** A list of texts; undefined when it is absent. */
  texts(key: string): string[] | undefined {
    return this.#list(key)?.flatMap((item, index) => {
      if (typeof item === 'string' && item !== '') return [item];
      this.#problems.push(`${this.pathOf(key)}[${index}]: ${item === '' ? 'must not be empty' : 'expected string'}`);
      return [];
    });
  }

  /** A text, or a list of texts; undefined when it is absent. */
  textOrTexts(key: string): string | string[] | undefined {
    return typeof this.#fields[key] === 'string' ? this.text(key) : this.texts(key);
  }

  /** A mapping inside this one; undefined when it is absent. */
  section(key: string, known: readonly string[]): Section | undefined {
    return this.has(key) ? new Section(this.#fields[key], this.pathOf(key), known, this.#problems) : undefined;
  }

  /** A list of mappings; empty when it is absent. */
  sections(key: string, known: readonly string[]): Section[] {
    const items = this.#list(key) ?? [];
    return items.map((item, index) => new Section(item, `${this.pathOf(key)}[${index}]`, known, this.#problems));
  }

  /** A mapping from any keys to texts; undefined when it is absent, or is none and has been noted. */
  textMap(key: string): Record<string, string> | undefined {
    if (!this.has(key)) return undefined;
    const value = this.#fields[key];
    if (!isMapping(value)) {
      this.refuse(key, 'expected mapping');
      return undefined;
    }
    const entries = Object.entries(value);
    const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    for (const [name, text] of entries) if (typeof text !== 'string') this.refuse(`${key}[${name}]`, 'expected string');
    // Other than an assignment, this makes a field of any name.
    return texts.length === entries.length ? Object.fromEntries(texts) : undefined;
  }

  #list(key: string): unknown[] | undefined {
    if (!this.has(key)) return undefined;
    const value: unknown = this.#fields[key];
    if (Array.isArray(value)) return value as unknown[];
    this.refuse(key, 'expected list');
    return undefined;
  }
}
