import { reservedSecretPrefix, secretNamePattern, row, rowAbout } from '@murmur/api';

import { descriptionRow, mismatchRow, nameRequiredRow, patternOf, referencedRow } from '../../shared-rows.js';

const invalid = 'INVALID_ARGUMENT';

/** An environment of several hundred KiB keeps programs from starting, so one variable may not fill it. */
export const maxValueKib = 64;

/** As long as the name of a variable needs to be; the database's indexes hold no names of any length. */
export const maxNameLength = 255;

/** What can be wrong with a secret. Their order decides which of several faults is the message. */
export const secretErrors = {
  nameRequired: nameRequiredRow('Provide a name field.'),
  namePattern: rowAbout(
    invalid,
    ['foo'],
    (name) => `secret name "${name}" must match ${patternOf(secretNamePattern)}`,
    'Secret names use uppercase letters, digits, and underscores, starting with a letter.',
  ),
  nameTooLong: row(invalid, `secret name exceeds ${maxNameLength} character limit`, 'Choose a shorter name.'),
  nameReserved: rowAbout(
    invalid,
    [`${reservedSecretPrefix}X`],
    (name) => `secret name "${name}" is reserved (${reservedSecretPrefix}* is internal)`,
    `Names starting with \`${reservedSecretPrefix}\` are reserved. Choose a different name.`,
  ),
  nameMismatch: mismatchRow,
  valueRequired: row(
    invalid,
    'plaintext_value is required',
    'Provide the value; "murmur secret set" asks for it without showing it. Only an existing secret keeps its value without one.',
  ),
  valueTooLong: row(
    invalid,
    `plaintext_value exceeds ${maxValueKib} KiB limit`,
    'Keep long contents elsewhere and store the credential that reads them.',
  ),
  valueNul: row(
    invalid,
    'plaintext_value: must not contain NUL characters',
    'No environment variable can hold them. Encode the value, such as in base64.',
  ),
  descriptionTooLong: descriptionRow,
  referenced: referencedRow('secret', 'workspace: Y'),
};
