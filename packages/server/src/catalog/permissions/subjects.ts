import { byteLength, type ErrorRow, rowAbout } from '@murmur/api';

import { type Faults, fault } from '../faults.js';

/** As long as a subject of an OpenID Connect issuer may be. */
const maxSubjectBytes = 255;

/** The row about a list of users that names one nobody could be. */
export function userRow(field: string): ErrorRow<[string]> {
  return rowAbout(
    'INVALID_ARGUMENT',
    ['N'],
    (index) => `${field}[${index}]: invalid user`,
    `Use the subject of a key or token, such as ana@example.com: 1 to ${maxSubjectBytes} bytes, without spaces around it or control characters.`,
  );
}

/** What is wrong with a list of users. */
export function* checkUsers(row: ErrorRow<[string]>, field: string, users: readonly string[]): Faults {
  for (const [index, user] of users.entries()) {
    if (!isSubject(user)) yield fault(row, `${field}[${index}]`, String(index));
  }
}

/** Whether somebody's key or token could bear this subject. */
export function isSubject(text: string): boolean {
  return text !== '' && text === text.trim() && !/\p{Cc}/u.test(text) && byteLength(text) <= maxSubjectBytes;
}
