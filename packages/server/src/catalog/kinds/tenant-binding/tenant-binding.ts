import { RoleSchema, TenantBindingSchema } from '@murmur/api';

import { fault } from '../../faults.js';
import { defineKind } from '../../kind.js';
import { checkPermissions } from '../../permissions/permission-rows.js';
import { referenceIn, referencesIn } from '../../shared-references.js';
import { checkDescription, checkName } from '../../shared-rows.js';
import { shortList } from '../../short-list.js';
import { checkUsers } from '../../permissions/subjects.js';
import { namePattern, tenantBindingErrors as errors } from './errors.js';
import { tenantBindingFields } from './fields.js';

/** Gives permissions to groups and users. */
export const tenantBinding = defineKind({
  name: 'tenant-binding',
  schema: TenantBindingSchema,
  summary: "Gives a role's permissions, or some listed, to groups and users of the tenant.",
  fields: tenantBindingFields,
  example: `name: builders-bake
description: Builders bake the recipes of their team
role_ref: baker
groups:
  - builders
users:
  - cem@example.com
name_pattern: team-a-*
`,
  errors,
  columns: [
    { header: 'NAME', cell: (spec) => spec.name },
    { header: 'ROLE REF', cell: (spec) => spec.roleRef },
    { header: 'PERMISSIONS', cell: (spec) => shortList(spec.permissions) },
    { header: 'GROUPS', cell: (spec) => shortList(spec.groups) },
    { header: 'USERS', cell: (spec) => shortList(spec.users) },
    { header: 'NAME PATTERN', cell: (spec) => spec.namePattern },
    { header: 'DESCRIPTION', cell: (spec) => spec.description },
  ],
  *validate(spec) {
    yield* checkName(errors, spec.name);
    if ((spec.roleRef === '') === (spec.permissions.length === 0)) yield fault(errors.grantRequired, 'role_ref');
    yield* checkPermissions(spec.permissions);
    if (spec.groups.length === 0 && spec.users.length === 0) yield fault(errors.granteesRequired, 'groups');
    yield* checkUsers(errors.userInvalid, 'users', spec.users);
    if (!namePattern.test(spec.namePattern)) yield fault(errors.namePatternInvalid, 'name_pattern');
    yield* checkDescription(spec.description);
  },
  gives(spec, targets) {
    const names = spec.namePattern === '' ? '*' : spec.namePattern;
    const permissions = [...(targets.at('role_ref', RoleSchema)?.permissions ?? []), ...spec.permissions];
    return permissions.map((permission) => ({ permission, names }));
  },
  references: (spec) => [
    ...referenceIn('role_ref', 'role', spec.roleRef, errors.roleMissing),
    ...referencesIn('groups', 'group', spec.groups, errors.groupMissing),
  ],
});
