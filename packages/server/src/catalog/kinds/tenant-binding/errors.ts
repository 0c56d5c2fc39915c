import { row } from '@murmur/api';

import { permissionRows } from '../../permissions/permission-rows.js';
import { descriptionRow, labelRows, missingInListRow, missingRow, patternOf } from '../../shared-rows.js';
import { userRow } from '../../permissions/subjects.js';

const invalid = 'INVALID_ARGUMENT';

/** The characters names have, and the star. Empty for no pattern. */
export const namePattern = /^[a-zA-Z0-9_*-]{0,255}$/;

/** What can be wrong with a tenant-binding. Their order decides which of several faults is the message. */
export const tenantBindingErrors = {
  ...labelRows,
  grantRequired: row(invalid, 'exactly one of role_ref or permissions is required', 'Name a role, or list the permissions themselves.'),
  ...permissionRows,
  granteesRequired: row(invalid, 'at least one of groups or users is required', 'Name a group or a user that gets the permissions.'),
  userInvalid: userRow('users'),
  namePatternInvalid: row(
    invalid,
    `name_pattern must match ${patternOf(namePattern)}`,
    'Use the characters of names, and * for any characters, such as team-a-*.',
  ),
  descriptionTooLong: descriptionRow,
  roleMissing: missingRow('role_ref', 'role'),
  groupMissing: missingInListRow('groups', 'group'),
};
