import { RoleSchema, row } from '@murmur/api';

import { defineKind } from '../../kind.js';
import { checkPermissions, permissionRows, permissionsRule } from '../../permissions/permission-rows.js';
import { fault } from '../../faults.js';
import { descriptionField, nameField } from '../../shared-fields.js';
import { checkDescription, checkName, descriptionRow, labelRows, referencedRow } from '../../shared-rows.js';
import { shortList } from '../../short-list.js';

const errors = {
  ...labelRows,
  permissionsRequired: row('INVALID_ARGUMENT', 'permissions must be non-empty', 'Add at least one permission, such as recipe.read.'),
  ...permissionRows,
  descriptionTooLong: descriptionRow,
  referenced: referencedRow('role', 'tenant-binding: Y'),
};

/** A named list of permissions. */
export const role = defineKind({
  name: 'role',
  schema: RoleSchema,
  summary: 'A named list of permissions, which tenant-bindings give to groups and users.',
  fields: [
    nameField,
    descriptionField,
    { path: 'permissions', type: 'string[]', required: 'yes', description: `At least one. ${permissionsRule}` },
  ],
  example: `name: baker
description: Writes recipes and bakes them
permissions:
  - recipe.*
  - image.read
  - '*.list'
`,
  errors,
  columns: [
    { header: 'NAME', cell: (spec) => spec.name },
    { header: 'PERMISSIONS', cell: (spec) => shortList(spec.permissions) },
    { header: 'DESCRIPTION', cell: (spec) => spec.description },
  ],
  *validate(spec) {
    yield* checkName(errors, spec.name);
    if (spec.permissions.length === 0) yield fault(errors.permissionsRequired, 'permissions');
    yield* checkPermissions(spec.permissions);
    yield* checkDescription(spec.description);
  },
  gives: (spec) => spec.permissions.map((permission) => ({ permission, names: '*' })),
});
