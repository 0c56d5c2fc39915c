import { row, rowAbout } from '@murmur/api';

import { descriptionRow, missingInListRow, missingRow, labelRows, secretNameRows } from '../../shared-rows.js';

const invalid = 'INVALID_ARGUMENT';

/** What can be wrong with a workspace. Their order decides which of several faults is the message. */
export const workspaceErrors = {
  ...labelRows,
  imageRequired: row(invalid, 'image_ref is required', 'Set image_ref to an image; list them with "murmur get image".'),
  environmentRequired: row(
    invalid,
    'environment_ref is required',
    'Set environment_ref to an environment; list them with "murmur get environment".',
  ),
  placementRequired: row(invalid, 'placement is required', 'Set placement to a placement; list them with "murmur get placement".'),
  reposRequired: row(invalid, 'repos must be non-empty', 'Add at least one repository with a clone_url.'),
  cloneUrlRequired: rowAbout(
    invalid,
    ['N'],
    (index) => `repos[${index}].clone_url is required`,
    'Provide the https URL the repository is cloned from.',
  ),
  cloneUrlInvalid: rowAbout(
    invalid,
    ['N'],
    (index) => `repos[${index}].clone_url: must be an https URL`,
    'Use a URL such as https://github.com/acme/app, without a user name or password.',
  ),
  baseBranchInvalid: rowAbout(
    invalid,
    ['N'],
    (index) => `repos[${index}].base_branch: invalid branch name`,
    'Use the name of a branch, such as main or release/1.2.',
  ),
  conflictResolutionUnknown: row(
    invalid,
    'unknown conflict_resolution value',
    'Set conflict_resolution to CONFLICT_RESOLUTION_MERGE, CONFLICT_RESOLUTION_REBASE or CONFLICT_RESOLUTION_NONE.',
  ),
  minIdleNegative: row(invalid, 'min_idle must be non-negative', 'Set a number of machines to keep ready, or 0.'),
  ...secretNameRows('secret_refs'),
  descriptionTooLong: descriptionRow,
  imageMissing: missingRow('image_ref', 'image'),
  environmentMissing: missingRow('environment_ref', 'environment'),
  placementMissing: missingRow('placement', 'placement'),
  secretMissing: missingInListRow('secret_refs', 'secret'),
};
