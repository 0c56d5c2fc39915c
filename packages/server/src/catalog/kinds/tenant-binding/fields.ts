import type { FieldDocumentation } from '../../kind.js';
import { permissionsRule } from '../../permissions/permission-rows.js';
import { descriptionField, nameField } from '../../shared-fields.js';
import { patternOf } from '../../shared-rows.js';
import { namePattern } from './errors.js';

/** The fields of a tenant-binding. */
export const tenantBindingFields: readonly FieldDocumentation[] = [
  nameField,
  descriptionField,
  { path: 'role_ref', type: 'string', required: 'one of', description: 'Name of the role whose permissions are given.' },
  {
    path: 'permissions',
    type: 'string[]',
    required: 'one of',
    description: `The permissions given, instead of a role. ${permissionsRule}`,
  },
  {
    path: 'groups',
    type: 'string[]',
    required: 'conditional',
    description: 'Names of the groups that get them. At least one group or user is required.',
  },
  {
    path: 'users',
    type: 'string[]',
    required: 'conditional',
    description: 'The subjects of keys and tokens that get them, such as `ana@example.com` or `service-profile/ci-bot`.',
  },
  {
    path: 'name_pattern',
    type: 'string',
    required: 'no',
    description: `Only resources whose name matches, \`*\` standing for any characters: \`${patternOf(namePattern)}\`. Default: all.`,
  },
];
