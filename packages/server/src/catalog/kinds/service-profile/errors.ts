import { rowAbout } from '@murmur/api';

import { descriptionRow, labelRows, missingInListRow, secretNameRows } from '../../shared-rows.js';
import { userRow } from '../../permissions/subjects.js';

/** What can be wrong with a service profile. Their order decides which of several faults is the message. */
export const serviceProfileErrors = {
  ...labelRows,
  grantInvalid: rowAbout(
    'INVALID_ARGUMENT',
    ['N'],
    (index) => `grants[${index}]: exactly one of user or group is required`,
    'Name a user or a group in each grant; write one grant for each of them.',
  ),
  grantUserInvalid: userRow('grants'),
  ...secretNameRows('secret_refs'),
  descriptionTooLong: descriptionRow,
  groupMissing: missingInListRow('grants', 'group', '.group'),
  secretMissing: missingInListRow('secret_refs', 'secret'),
};
