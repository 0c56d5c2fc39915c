import { type ErrorRow, type ErrorTable, type ErrorCode, type Fault, MurmurError } from '@murmur/api';

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

/** The row's fault at this field, about these values. */
export function fault<Args extends readonly string[]>(about: ErrorRow<Args>, path: string, ...values: Args): FieldFault {
  return { row: about, code: about.code, message: about.message(...values), hint: about.hint, path };
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
