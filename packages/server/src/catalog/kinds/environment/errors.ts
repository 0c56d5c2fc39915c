import { row, rowAbout } from '@murmur/api';

import { descriptionRow, missingRow, labelRows, referencedRow } from '../../shared-rows.js';

const invalid = 'INVALID_ARGUMENT';
const substrates = 'SUBSTRATE_GCP, SUBSTRATE_AWS, SUBSTRATE_DOCKER or SUBSTRATE_QEMU';

/** What can be wrong with an environment. Their order decides which of several faults is the message. */
export const environmentErrors = {
  ...labelRows,
  substrateRequired: row(invalid, 'substrate is required', `Set substrate to ${substrates}.`),
  substrateUnknown: row(invalid, 'unknown substrate value', `Set substrate to ${substrates}.`),
  machineTypeRequired: row(
    invalid,
    'machine_type_ref is required',
    'Set machine_type_ref to a machine type; list them with "murmur get machine-type".',
  ),
  diskTypeRequired: row(
    invalid,
    'disk_type_ref is required',
    'On GCP and AWS, set disk_type_ref to a disk type; list them with "murmur get disk-type".',
  ),
  diskSizeNegative: row(invalid, 'disk_size_gb must be non-negative', "Set a size in GB, or 0 for the image's own size."),
  descriptionTooLong: descriptionRow,
  machineTypeMissing: missingRow(
    'machine_type_ref',
    'machine-type',
    'Fix the name; list the machine types with "murmur get machine-type".',
  ),
  machineTypeOther: rowAbout(
    invalid,
    ['X', 'SUBSTRATE_GCP'],
    (name, substrate) => `machine_type_ref "${name}" is not a ${substrate} machine type`,
    "Use a machine type of the environment's own substrate.",
  ),
  diskTypeMissing: missingRow('disk_type_ref', 'disk-type', 'Fix the name; list the disk types with "murmur get disk-type".'),
  diskTypeOther: rowAbout(
    invalid,
    ['X', 'SUBSTRATE_GCP'],
    (name, substrate) => `disk_type_ref "${name}" is not a ${substrate} disk type`,
    "Use a disk type of the environment's own substrate.",
  ),
  referenced: referencedRow('environment', 'workspace: Y'),
};
