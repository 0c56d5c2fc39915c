import { type ErrorCode, MurmurError } from './error.js';

/** One row of an error table: what can be wrong, how it is said and what to do about it. */
export interface ErrorRow<Args extends readonly string[] = readonly string[]> {
  readonly code: ErrorCode;
  readonly hint: string;
  /** The message with its placeholders, as the reference shows it. */
  readonly documented: string;
  /** The message about these values. */
  message(...values: Args): string;
}

/** Every row of a table. For a kind, their order decides which of several faults is the message. */
export type ErrorTable = Readonly<Record<string, ErrorRow>>;

/** A row whose message is always the same. */
export function row(code: ErrorCode, message: string, hint: string): ErrorRow<[]> {
  return { code, hint, documented: message, message: () => message };
}

/** A row whose message names values; the reference shows it with these placeholders instead. */
export function rowAbout<const Placeholders extends readonly string[]>(
  code: ErrorCode,
  placeholders: Placeholders,
  message: (...values: Values<Placeholders>) => string,
  hint: string,
): ErrorRow<Values<Placeholders>> {
  return { code, hint, documented: message(...(placeholders as Values<Placeholders>)), message };
}

/** As many texts as there are placeholders. */
type Values<Placeholders extends readonly string[]> = { [Index in keyof Placeholders]: string };

/** The row's error, about these values, for what is no document. */
export function refusal<Args extends readonly string[]>(about: ErrorRow<Args>, values: Args, options: ErrorOptions = {}): MurmurError {
  return new MurmurError(about.code, about.message(...values), { ...options, hint: about.hint });
}
