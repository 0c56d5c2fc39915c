import { type ErrorTable, row, rowAbout } from '@murmur/api';

const invalid = 'INVALID_ARGUMENT';
const refused = 'FAILED_PRECONDITION';
const exhausted = 'RESOURCE_EXHAUSTED';

/** What a request to try or export an image can be refused with, beside what a bake is. The reference shows this very table. */
export const imageCallErrors = {
  commandRequired: row(invalid, 'command is required', 'Write it after "--".'),
  commandNul: row(invalid, 'command must not contain NUL characters', 'Take the NUL characters out.'),
  substrateMismatch: rowAbout(
    invalid,
    ['X', 'A', 'Y', 'B'],
    (image, its, environment, other) => `substrate mismatch: image "${image}" is ${its} but environment "${environment}" is ${other}`,
    "Choose an environment and a placement of the image's substrate.",
  ),
  noRoom: rowAbout(
    exhausted,
    ['REASON'],
    (reason) => `no room for the machine on the server's host within a minute; ${reason}`,
    'Try again when a bake has ended; "murmur bakes ls --all=false" lists those that run, and the operator sets limits.machines.',
  ),
  outputUnread: row(
    exhausted,
    'the command prints faster than its output is read',
    'Write the output to a file in the machine, or print less of it.',
  ),
  secretMissing: rowAbout(refused, ['X'], (secret) => `secret "${secret}" does not exist`, 'Store it with "murmur secret set".'),
  exportUnsupported: rowAbout(
    refused,
    ['SUBSTRATE'],
    (substrate) => `images of ${substrate} cannot be exported`,
    "Export an image of a substrate on the server's own host.",
  ),
  tooManyExports: rowAbout(
    exhausted,
    ['N'],
    (running) => `${running} images are being exported already, the most at once`,
    'Try again when one of them has ended.',
  ),
  exportUnread: rowAbout(
    'ABORTED',
    ['N'],
    (seconds) => `the export ended: nothing of it was read for ${seconds} s`,
    'Start it again, and read it without such pauses.',
  ),
} satisfies ErrorTable;
