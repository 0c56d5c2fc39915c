import { rowAbout } from '@murmur/api';

import { type Faults, fault } from '../faults.js';
import { isPermissionPattern, permissionNouns, permissionVerbs } from './permission-names.js';

/** What a permission is, as the fields that hold some say it. */
export const permissionsRule = 'Each is `{kind}.{verb}`, `{kind}.*`, `*.{verb}` or `*` for everything.';

/** The row about what is no permission. */
export const permissionRows = {
  permissionUnknown: rowAbout(
    'INVALID_ARGUMENT',
    ['N', 'x'],
    (index, permission) => `permissions[${index}]: unknown permission "${permission}"`,
    `Write {kind}.{verb}, {kind}.*, *.{verb} or *. Kinds: ${permissionNouns.join(', ')}. Verbs: ${permissionVerbs.join(', ')}.`,
  ),
};

/** What is wrong with a list of permissions. */
export function* checkPermissions(permissions: readonly string[]): Faults {
  for (const [index, permission] of permissions.entries()) {
    if (isPermissionPattern(permission)) continue;
    yield fault(permissionRows.permissionUnknown, `permissions[${index}]`, String(index), permission);
  }
}
