import { byteLength, resourceNamePattern, reservedSecretPrefix, secretNamePattern, type ErrorRow, row, rowAbout } from '@murmur/api';

import { type Faults, fault } from './faults.js';

/** The longest description, in bytes of UTF-8. */
export const maxDescriptionBytes = 1024;

/** A pattern for whole texts as messages and field tables write it. */
export function patternOf(pattern: RegExp): string {
  return pattern.source.replace(/^\^|\$$/g, '');
}

/** The row about a name that is not what the request calls the resource. */
export const mismatchRow = rowAbout(
  'INVALID_ARGUMENT',
  ['a', 'b'],
  (written, positional) => `name "${written}" does not match "${positional}"`,
  'Use the same name in the document and on the command line.',
);

/** The row about a document without a name. */
export function nameRequiredRow(hint: string): ErrorRow<[]> {
  return row('INVALID_ARGUMENT', 'name is required', hint);
}

/** The rows about the name that the tables of all kinds but secrets begin with. */
export function nameRows(hints: { required: string; pattern: string }) {
  return {
    nameRequired: nameRequiredRow(hints.required),
    namePattern: row('INVALID_ARGUMENT', `name must match ${patternOf(resourceNamePattern)}`, hints.pattern),
    nameMismatch: mismatchRow,
  };
}

/** Those rows, where a kind has no hints of its own. */
export const labelRows = nameRows({ required: 'Provide a name field.', pattern: 'Use a valid DNS label for the name.' });

/** The row about a description that is too long. */
export const descriptionRow = row(
  'INVALID_ARGUMENT',
  `description exceeds ${maxDescriptionBytes} byte limit`,
  `Shorten the description to ${maxDescriptionBytes} bytes or fewer.`,
);

/** The row about a field that names a resource which does not exist, for kinds without words of their own for it. */
export function missingRow(
  field: string,
  kind: string,
  hint = `Create the ${kind} first or fix the name; list them with "murmur get ${kind}".`,
): ErrorRow<[string]> {
  return rowAbout('FAILED_PRECONDITION', ['X'], (name) => `${field} "${name}" does not exist`, hint);
}

/** The same for one name of a list, or of a field in a list such as `grants[N].group`. */
export function missingInListRow(list: string, kind: string, field = ''): ErrorRow<[string, string]> {
  return rowAbout(
    'FAILED_PRECONDITION',
    ['N', 'X'],
    (index, name) => `${list}[${index}]${field} "${name}" does not exist`,
    `Create the ${kind} first or fix the name; list them with "murmur get ${kind}".`,
  );
}

/** The row about removing what others still use. It belongs into a kind's table under the key `referenced`. */
export function referencedRow(kind: string, exampleReferrers: string, hint = `Change or delete what references this ${kind} first.`) {
  return rowAbout(
    'FAILED_PRECONDITION',
    ['X', exampleReferrers],
    (name, referrers) => `cannot delete ${kind} "${name}": referenced by ${referrers}`,
    hint,
  );
}

/** What is wrong with a resource's name by itself. */
export function* checkName(rows: { nameRequired: ErrorRow<[]>; namePattern: ErrorRow<[]> }, name: string): Faults {
  if (name === '') yield fault(rows.nameRequired, 'name');
  else if (!resourceNamePattern.test(name)) yield fault(rows.namePattern, 'name');
}

/** What is wrong with a resource's description. */
export function* checkDescription(description: string): Faults {
  if (byteLength(description) > maxDescriptionBytes) yield fault(descriptionRow, 'description');
}

/** The rows about the elements of a list of secrets' names. */
export function secretNameRows(field: string) {
  return {
    secretNamePattern: rowAbout(
      'INVALID_ARGUMENT',
      ['N'],
      (index) => `${field}[${index}]: secret name must match ${patternOf(secretNamePattern)}`,
      'Secret names use uppercase letters, digits, and underscores, starting with a letter.',
    ),
    secretNameReserved: rowAbout(
      'INVALID_ARGUMENT',
      ['N'],
      (index) => `${field}[${index}]: secret name is reserved (${reservedSecretPrefix}*)`,
      `Names starting with \`${reservedSecretPrefix}\` are reserved. Choose a different name.`,
    ),
  };
}

/** What is wrong with a list of secrets' names. */
export function* checkSecretNames(rows: ReturnType<typeof secretNameRows>, field: string, names: readonly string[]): Faults {
  for (const [index, name] of names.entries()) {
    const path = `${field}[${index}]`;
    if (!secretNamePattern.test(name)) yield fault(rows.secretNamePattern, path, String(index));
    else if (name.startsWith(reservedSecretPrefix)) yield fault(rows.secretNameReserved, path, String(index));
  }
}
