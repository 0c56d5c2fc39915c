import { byteLength, resourceNamePattern, reservedSecretPrefix, secretNamePattern } from '@murmur/api';

import { type ErrorRow, type Faults, fault, row, rowAbout } from './faults.js';

const maxDescriptionBytes = 1024;

/** The rows about the name that every kind's table begins with. */
export function nameRows(hints: { required: string; pattern: string }) {
  return {
    nameRequired: row('INVALID_ARGUMENT', 'name is required', hints.required),
    namePattern: row('INVALID_ARGUMENT', 'name must match [a-z][a-z0-9-]{0,62}', hints.pattern),
    nameMismatch: rowAbout(
      'INVALID_ARGUMENT',
      ['a', 'b'],
      (written, positional) => `name "${written}" does not match "${positional}"`,
      'Use the same name in the document and on the command line.',
    ),
  };
}

/** The row about a description that is too long. */
export const descriptionRow = row(
  'INVALID_ARGUMENT',
  'description exceeds 1024 byte limit',
  'Shorten the description to 1024 bytes or fewer.',
);

/** The row about a field that names a resource which does not exist, for kinds without words of their own for it. */
export function missingRow(
  field: string,
  kind: string,
  hint = `Create the ${kind} first or fix the name; list them with "murmur get ${kind}".`,
): ErrorRow<[string]> {
  return rowAbout('FAILED_PRECONDITION', ['X'], (name) => `${field} "${name}" does not exist`, hint);
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
      (index) => `${field}[${index}]: secret name must match [A-Z][A-Z0-9_]*`,
      'Secret names use uppercase letters, digits, and underscores, starting with a letter.',
    ),
    secretNameReserved: rowAbout(
      'INVALID_ARGUMENT',
      ['N'],
      (index) => `${field}[${index}]: secret name is reserved (MURMUR_*)`,
      'Names starting with `MURMUR_` are reserved. Choose a different name.',
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
