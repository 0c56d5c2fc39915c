import type { FieldDocumentation } from '../../kind.js';
import { descriptionField, nameField, secretNamesRule } from '../../shared-fields.js';

/** The fields of a workspace. */
export const workspaceFields: readonly FieldDocumentation[] = [
  nameField,
  { path: 'image_ref', type: 'string', required: 'yes', description: 'Name of the image its machines start from.' },
  { path: 'environment_ref', type: 'string', required: 'yes', description: 'Name of the environment that gives its machines their shape.' },
  { path: 'placement', type: 'string', required: 'yes', description: 'Name of the placement its machines run in.' },
  { path: 'repos', type: 'object[]', required: 'yes', description: 'Repositories checked out there. At least one.' },
  {
    path: 'repos[N].clone_url',
    type: 'string',
    required: 'yes',
    description: 'https URL without credentials. A trailing `.git` is dropped.',
  },
  {
    path: 'repos[N].base_branch',
    type: 'string',
    required: 'no',
    description: "Branch that work starts from. Default: the repository's own.",
  },
  {
    path: 'repos[N].conflict_resolution',
    type: 'string',
    required: 'no',
    description: 'Values: CONFLICT_RESOLUTION_MERGE, CONFLICT_RESOLUTION_REBASE, CONFLICT_RESOLUTION_NONE.',
  },
  { path: 'min_idle', type: 'number', required: 'no', description: 'Machines kept ready while nobody works. Default 0.' },
  {
    path: 'secret_refs',
    type: 'string[]',
    required: 'no',
    description: `Names of the secrets its machines get. ${secretNamesRule}`,
  },
  descriptionField,
];
