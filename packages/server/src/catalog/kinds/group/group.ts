import { GroupSchema, row } from '@murmur/api';

import { fault } from '../../faults.js';
import { defineKind } from '../../kind.js';
import { descriptionField, nameField } from '../../shared-fields.js';
import { checkDescription, checkName, descriptionRow, labelRows, referencedRow } from '../../shared-rows.js';
import { shortList } from '../../short-list.js';
import { checkUsers, userRow } from '../../permissions/subjects.js';

const errors = {
  ...labelRows,
  membersRequired: row(
    'INVALID_ARGUMENT',
    'exactly one of members or all_tenant_members is required',
    'List the members, or set all_tenant_members to true instead.',
  ),
  memberInvalid: userRow('members'),
  descriptionTooLong: descriptionRow,
  referenced: referencedRow('group', 'tenant-binding: Y'),
};

/** A named set of users. */
export const group = defineKind({
  name: 'group',
  schema: GroupSchema,
  summary: 'A named set of users, to whom tenant-bindings and service profiles give something together.',
  fields: [
    nameField,
    descriptionField,
    {
      path: 'members',
      type: 'string[]',
      required: 'one of',
      description: 'The subjects of keys and tokens, such as `ana@example.com` or `service-profile/ci-bot`. At least one.',
    },
    {
      path: 'all_tenant_members',
      type: 'boolean',
      required: 'one of',
      description: 'True for every user of the tenant, now and later. Service profiles are no users: a group lists them.',
    },
  ],
  example: `name: builders
description: Who may change recipes
members:
  - ana@example.com
  - service-profile/ci-bot
`,
  errors,
  columns: [
    { header: 'NAME', cell: (spec) => spec.name },
    { header: 'MEMBERS', cell: (spec) => (spec.allTenantMembers ? 'all tenant members' : shortList(spec.members)) },
    { header: 'DESCRIPTION', cell: (spec) => spec.description },
  ],
  *validate(spec) {
    yield* checkName(errors, spec.name);
    // A list beside it would look as if it limited who belongs.
    if (spec.allTenantMembers === spec.members.length > 0) yield fault(errors.membersRequired, 'members');
    yield* checkUsers(errors.memberInvalid, 'members', spec.members);
    yield* checkDescription(spec.description);
  },
  countsIn: true,
});
