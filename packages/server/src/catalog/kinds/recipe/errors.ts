import { row, rowAbout } from '@murmur/api';

import { descriptionRow, nameRows, referencedRow, secretNameRows } from '../../shared-rows.js';
import { type FirstLineFault, firstLineWords } from './first-line.js';
import { maxScriptKib, maxTimeout } from './limits.js';

const invalid = 'INVALID_ARGUMENT';

/** What can be wrong with a recipe. Their order decides which of several faults is the message. */
export const recipeErrors = {
  ...nameRows({
    required: 'Provide a `name` field.',
    pattern: 'Use a lowercase DNS label — starts with a letter, only lowercase letters, digits, and hyphens, max 63 characters.',
  }),
  baseRequired: row(
    invalid,
    'at least one of base_image_aws_ref or base_image_gce_ref is required',
    'Set `base_image_aws_ref`, `base_image_gce_ref`, or both.',
  ),
  scriptRequired: row(invalid, 'provisioning_script is required', 'Provide the script content in `provisioning_script`.'),
  scriptTooLong: row(
    invalid,
    `provisioning_script exceeds ${maxScriptKib} KiB limit`,
    'Reduce the script size. Move large assets to a remote location and fetch them during provisioning.',
  ),
  timeoutRequired: row(invalid, 'provisioning_timeout is required', 'Set `provisioning_timeout` to a Go duration string (e.g. `10m`).'),
  timeoutInvalid: row(invalid, 'provisioning_timeout: invalid duration', 'Use Go duration format: `10m`, `30m`, `1h`.'),
  timeoutNotPositive: row(invalid, 'provisioning_timeout: duration must be positive', 'The duration must be greater than zero.'),
  timeoutTooLong: row(invalid, `provisioning_timeout exceeds ${maxTimeout} maximum`, 'Reduce the timeout to 1 hour or less.'),
  ...secretNameRows('secret_allowlist'),
  descriptionTooLong: descriptionRow,
  awsMissing: baseMissing('base_image_aws_ref'),
  awsOther: baseOther('base_image_aws_ref', 'an AWS', 'a GCE or Docker'),
  gceMissing: baseMissing('base_image_gce_ref'),
  gceOther: baseOther('base_image_gce_ref', 'a GCE', 'an AWS or Docker'),
  dockerMissing: baseMissing('base_image_docker_ref'),
  dockerOther: baseOther('base_image_docker_ref', 'a Docker', 'an AWS, GCE or QEMU'),
  qemuMissing: baseMissing('base_image_qemu_ref'),
  qemuOther: baseOther('base_image_qemu_ref', 'a QEMU', 'an AWS, GCE or Docker'),
  architectureMismatch: rowAbout(
    invalid,
    ['base_image_aws_ref', 'X', 'base_image_gce_ref', 'Y'],
    (field, architecture, otherField, other) => `architecture mismatch: ${field} is ${architecture} but ${otherField} is ${other}`,
    'Both base images must have the same architecture. Replace one so they match.',
  ),
  byteOrderMark: firstLine('byteOrderMark', 'Save the script as UTF-8 without a byte order mark (BOM).'),
  carriageReturn: firstLine('carriageReturn', 'Save the script with Unix line ends (LF); `dos2unix FILE` converts it.'),
  lateInterpreter: firstLine('lateInterpreter', 'Remove the blank lines and spaces before `#!`.'),
  referenced: referencedRow('recipe', 'image: Y', 'Baked images reference this recipe. Delete the referencing images first.'),
};

function firstLine(about: FirstLineFault, hint: string) {
  return rowAbout(invalid, ['X'], (line) => `provisioning_script: ${firstLineWords[about](line)}`, hint);
}

function baseMissing(field: string) {
  return rowAbout(
    invalid,
    ['X'],
    (name) => `${field} "${name}" does not exist`,
    'The named image does not exist in the catalog. Create it first or fix the name.',
  );
}

function baseOther(field: string, substrate: string, others: string) {
  return rowAbout(
    invalid,
    ['X'],
    (name) => `${field} "${name}" is not ${substrate} image`,
    `The referenced image exists but has ${others} source, not ${substrate.replace(/^an? /, '')}. Use an image with ${substrate} source.`,
  );
}
