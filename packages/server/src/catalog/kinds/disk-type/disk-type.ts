import { DiskTypeSchema, SubstrateSchema } from '@murmur/api';

import { defineKind } from '../../kind.js';
import { descriptionField, nameField } from '../../shared-fields.js';
import { checkDescription, checkName, descriptionRow, labelRows } from '../../shared-rows.js';

const errors = {
  ...labelRows,
  descriptionTooLong: descriptionRow,
};

/** A kind of block storage that the platform offers. */
export const diskType = defineKind({
  name: 'disk-type',
  schema: DiskTypeSchema,
  summary: 'A kind of block storage. Defined by the platform; an environment on GCP or AWS names one.',
  writers: 'platform',
  fields: [
    { ...nameField, description: `${nameField.description} May be written without \`murmur-\` in front.` },
    descriptionField,
    {
      path: 'substrate',
      type: 'string',
      required: 'yes',
      description: 'Where disks of this type exist. Values: SUBSTRATE_GCP, SUBSTRATE_AWS.',
    },
    { path: 'type_name', type: 'string', required: 'yes', description: "The substrate's own name for it." },
  ],
  example: `name: murmur-pd-ssd
description: Fast persistent disk on GCP
substrate: SUBSTRATE_GCP
type_name: pd-ssd
`,
  errors,
  columns: [
    { header: 'NAME', cell: (spec) => spec.name },
    { header: 'SUBSTRATE', cell: (spec) => SubstrateSchema.value[spec.substrate]?.name ?? '' },
    { header: 'TYPE NAME', cell: (spec) => spec.typeName },
    { header: 'DESCRIPTION', cell: (spec) => spec.description },
  ],
  *validate(spec) {
    yield* checkName(errors, spec.name);
    yield* checkDescription(spec.description);
  },
});
