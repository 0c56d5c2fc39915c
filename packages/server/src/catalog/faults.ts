import { type ErrorCode, type Fault, MurmurError } from '@murmur/api';

/** One row of a kind's error table: what can be wrong, how it is said and what to do about it. */
export interface ErrorRow<Args extends readonly string[] = readonly string[]> {
  readonly code: ErrorCode;
  readonly hint: string;
  /** The message with its placeholders, as the reference shows it. */
  readonly documented: string;
  /** The message about these values. */
  message(...values: Args): string;
}

/** Every row of a kind's error table. Their order decides which of several faults is the message. */
export type ErrorTable = Readonly<Record<string, ErrorRow>>;

/** A fault of a document, with the row that describes it if its kind's table has one. */
export interface FieldFault {
  readonly row?: ErrorRow;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly path: string;
}

/** Faults as a check finds them. */
export type Faults = Generator<FieldFault, void, undefined>;

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

/** The row's fault at this field, about these values. */
export function fault<Args extends readonly string[]>(about: ErrorRow<Args>, path: string, ...values: Args): FieldFault {
  return { row: about, code: about.code, message: about.message(...values), hint: about.hint, path };
}

/** The row's error, about these values, for what is no document. */
export function refusal<Args extends readonly string[]>(about: ErrorRow<Args>, values: Args, options: ErrorOptions = {}): MurmurError {
  return new MurmurError(about.code, about.message(...values), { ...options, hint: about.hint });
}

/** More faults than this help nobody, and answers have to stay small. */
const maxFaults = 100;

/**
 * Throws unless there are no faults. What the kind's table does not list (unknown fields, wrong types) comes first, the rest
 * in the order of the table. A field that could not be read is not also reported as missing.
 */
export function throwFaults(
  kind: { name: string; errors: ErrorTable },
  unreadable: readonly FieldFault[],
  invalid: readonly FieldFault[],
): void {
  const rows = Object.values(kind.errors);
  const rank = (found: FieldFault) => (found.row === undefined ? -1 : rows.indexOf(found.row));
  const hint = `"murmur describe ${kind.name}" lists the fields and their types.`;
  const read = unreadable.map((found) => ({ hint, ...found, ...rowOf(rows, found) }));
  const rest = invalid.filter((found) => !unreadable.some(({ path }) => covers(path, found.path)));
  const [first, ...others] = [...read, ...rest]
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, maxFaults)
    .map(toFault);
  if (first !== undefined) throw MurmurError.ofFaults([first, ...others]);
}

function rowOf(rows: readonly ErrorRow[], found: FieldFault): { row?: ErrorRow; hint?: string } {
  const match = rows.find((candidate) => candidate.documented === found.message);
  return match === undefined ? {} : { row: match, hint: match.hint };
}

function covers(unreadable: string, path: string): boolean {
  return path === unreadable || path.startsWith(`${unreadable}.`) || path.startsWith(`${unreadable}[`);
}

function toFault({ code, message, hint, path }: FieldFault): Fault {
  return { code, message, path, ...(hint === undefined ? {} : { hint }) };
}
