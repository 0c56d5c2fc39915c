import { type ErrorTable, row, rowAbout } from '@murmur/api';

import { permissionNouns, permissionVerbs } from '../catalog/permissions/permission-names.js';

/** What a caller can be refused with for want of rights. The reference shows this very table. */
export const accessErrors = {
  missingPermission: rowAbout(
    'PERMISSION_DENIED',
    ['KIND.VERB'],
    (permission) => `missing permission ${permission}`,
    'Contact your tenant admin.',
  ),
  operatorsOnly: row(
    'PERMISSION_DENIED',
    'only an operator of this server may do that',
    'Use the key in `admin.key` in the data directory of the server.',
  ),
  otherTenant: rowAbout(
    'PERMISSION_DENIED',
    ['T'],
    (tenant) => `this key does not belong to tenant "${tenant}"`,
    'Use a key of that tenant, or change `tenant` in .murmur/murmur.yaml.',
  ),
  keyAbsent: rowAbout('NOT_FOUND', ['ID'], (id) => `API key "${id}" not found`, 'Check the id with "murmur key ls".'),
  subjectAbsent: rowAbout(
    'FAILED_PRECONDITION',
    ['S'],
    (subject) => `subject "${subject}" does not exist`,
    'Create the service profile first or fix the name; list them with "murmur get service-profile".',
  ),
  permissionsRequired: row('INVALID_ARGUMENT', 'permissions is required', 'Name at least one, such as recipe.edit.'),
  permissionElsewhere: rowAbout(
    'INVALID_ARGUMENT',
    ['KIND.VERB', 'KIND'],
    (permission, kind) => `permission "${permission}" does not apply to kind ${kind}`,
    'Ask about permissions of that kind, or name no resource.',
  ),
  permissionUnknown: rowAbout(
    'INVALID_ARGUMENT',
    ['X'],
    (permission) => `unknown permission "${permission}"`,
    `Write {kind}.{verb}. Kinds: ${permissionNouns.join(', ')}. Verbs: ${permissionVerbs.join(', ')}.`,
  ),
  resourceInvalid: rowAbout(
    'INVALID_ARGUMENT',
    ['X'],
    (resource) => `resource "${resource}" is not kind/name`,
    'Write it like recipe/my-recipe.',
  ),
  kindUnknown: rowAbout(
    'INVALID_ARGUMENT',
    ['X'],
    (kind) => `unknown kind "${kind}"`,
    `Permissions are about: ${permissionNouns.join(', ')}.`,
  ),
  tenantExists: rowAbout(
    'ALREADY_EXISTS',
    ['T'],
    (tenant) => `tenant "${tenant}" already exists`,
    'List the tenants with "murmur tenant ls".',
  ),
} satisfies ErrorTable;

/** What a call without a credential that counts is refused with. The reference shows this very table. */
export const signInErrors = {
  unauthenticated: row(
    'UNAUTHENTICATED',
    'identity token is missing or expired',
    'Run `murmur auth` or check your `murmur.local.yaml` configuration.',
  ),
  codeUsed: row(
    'UNAUTHENTICATED',
    'this sign-in code is not good any more',
    'Run `murmur dashboard` again: a code is good once, and for a minute.',
  ),
  issuerAway: row('UNAVAILABLE', 'the issuer of the identity token does not answer', 'Try again in a moment, or use an API key.'),
} satisfies ErrorTable;
