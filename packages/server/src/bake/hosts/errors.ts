import { type ErrorTable, rowAbout } from '@murmur/api';

import { awayAfterSeconds } from './live-hosts.js';

/** What a request about a host can be refused with. The reference shows this very table. */
export const hostErrors = {
  absent: rowAbout('NOT_FOUND', ['X'], (host) => `host "${host}" not found`, 'See "murmur host ls".'),
  ambiguous: rowAbout('INVALID_ARGUMENT', ['X'], (host) => `host "${host}" is ambiguous`, 'Give its id; "murmur host ls" has it.'),
  lives: rowAbout(
    'FAILED_PRECONDITION',
    ['X', 'N'],
    (host, seconds) => `host "${host}" was seen ${seconds} s ago`,
    `Stop its server for good first. A host can be retired once it has been away for ${awayAfterSeconds} s.`,
  ),
} satisfies ErrorTable;
