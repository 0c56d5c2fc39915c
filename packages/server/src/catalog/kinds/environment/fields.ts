import type { FieldDocumentation } from '../../kind.js';
import { descriptionField, nameField } from '../../shared-fields.js';

/** The fields of an environment. */
export const environmentFields: readonly FieldDocumentation[] = [
  nameField,
  {
    path: 'substrate',
    type: 'string',
    required: 'yes',
    description: 'Where its machines run. Values: SUBSTRATE_GCP, SUBSTRATE_AWS, SUBSTRATE_DOCKER, SUBSTRATE_QEMU.',
  },
  {
    path: 'machine_type_ref',
    type: 'string',
    required: 'yes',
    description: 'Name of a machine type of the same substrate, with or without `murmur-` in front.',
  },
  {
    path: 'disk_type_ref',
    type: 'string',
    required: 'conditional',
    description: 'Name of a disk type of the same substrate, with or without `murmur-` in front. Required on GCP and AWS.',
  },
  { path: 'disk_size_gb', type: 'number', required: 'no', description: "Size of the disk in GB. Default 0: the image's own size." },
  descriptionField,
];
