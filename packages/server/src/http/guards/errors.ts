import { type ErrorTable, row, rowAbout } from '@murmur/api';

/** How many messages may lie in each other: ours do so three times, and what reads them recurses. */
export const maxDepth = 32;

const invalid = 'INVALID_ARGUMENT';
const exhausted = 'RESOURCE_EXHAUSTED';

/** What any request can be refused with before anybody looks at what it asks. The reference shows this very table. */
export const guardErrors = {
  tooLarge: rowAbout(
    exhausted,
    ['N'],
    (bytes) => `the request is larger than the limit of ${bytes} bytes`,
    'Send less, or in several parts.',
  ),
  tooManyElements: rowAbout(exhausted, ['N'], (elements) => `the request has more than ${elements} elements`, 'Send it in several parts.'),
  tooDeep: row(invalid, 'the request is nested too deeply', 'Put fewer messages into each other.'),
  notOneMessage: row(invalid, 'the request is not one message', 'Send one message, as long as it says it is.'),
  malformed: row(invalid, 'the request is not a message of this call', 'Encode it by the definitions of the API.'),
  notNumber: rowAbout(invalid, ['FIELD'], (field) => `${field}: expected number`, 'Write a number.'),
  compressed: row('UNIMPLEMENTED', 'compressed requests are not taken', 'Send the request as it is.'),
  ownBytes: row(exhausted, 'your requests that are being answered hold too many bytes', 'Wait for some of them to end, then try again.'),
  allBytes: row(exhausted, 'the requests that are being answered hold too many bytes', 'Try again in a moment.'),
  wrongKeys: row(exhausted, 'too many wrong keys come from your address', 'Wait a moment, and check your key.'),
  tooManyStrangers: row(exhausted, 'too many calls wait to be let in', 'Try again in a moment.'),
  tooManyRefusals: row(exhausted, 'too many of your calls were refused', 'Look at what makes them. One more is taken every few seconds.'),
  noConnection: row(exhausted, 'this server has no free connection', 'Try again in a moment.'),
  otherName: rowAbout(
    'PERMISSION_DENIED',
    ['X'],
    (host) => `this server does not go by the name ${JSON.stringify(host)}`,
    'Where a proxy passes that name on, list it under `hosts` in server.yaml.',
  ),
  databaseAway: row('UNAVAILABLE', "the server's database does not answer", 'Try again in a moment.'),
  stopping: row('UNAVAILABLE', 'the server is stopping', 'Try again once it is back.'),
} satisfies ErrorTable;
