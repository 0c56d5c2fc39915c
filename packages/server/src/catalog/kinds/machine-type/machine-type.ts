import { ArchitectureSchema, MachineTypeSchema, SubstrateSchema } from '@murmur/api';

import { defineKind } from '../../kind.js';
import { descriptionField, nameField } from '../../shared-fields.js';
import { checkDescription, checkName, descriptionRow, labelRows } from '../../shared-rows.js';

const errors = {
  ...labelRows,
  descriptionTooLong: descriptionRow,
};

/** A number of processors and an amount of memory that the platform offers. */
export const machineType = defineKind({
  name: 'machine-type',
  schema: MachineTypeSchema,
  summary: 'A number of processors and an amount of memory. Defined by the platform; an environment names one.',
  writers: 'platform',
  fields: [
    { ...nameField, description: `${nameField.description} May be written without \`murmur-\` in front.` },
    descriptionField,
    {
      path: 'substrate',
      type: 'string',
      required: 'yes',
      description: 'Where machines of this type run. Values: SUBSTRATE_GCP, SUBSTRATE_AWS, SUBSTRATE_DOCKER, SUBSTRATE_QEMU.',
    },
    { path: 'vcpus', type: 'number', required: 'yes', description: 'Number of virtual processors.' },
    { path: 'memory_gb', type: 'number', required: 'yes', description: 'Memory in GiB.' },
    {
      path: 'architecture',
      type: 'string',
      required: 'yes',
      description: 'CPU architecture. Values: ARCHITECTURE_AMD64, ARCHITECTURE_ARM64.',
    },
    { path: 'type_name', type: 'string', required: 'yes', description: "The substrate's own name for it." },
  ],
  example: `name: murmur-n2-standard-8
description: 8 vCPUs and 32 GiB on GCP
substrate: SUBSTRATE_GCP
vcpus: 8
memory_gb: 32
architecture: ARCHITECTURE_AMD64
type_name: n2-standard-8
`,
  errors,
  columns: [
    { header: 'NAME', cell: (spec) => spec.name },
    { header: 'SUBSTRATE', cell: (spec) => SubstrateSchema.value[spec.substrate]?.name ?? '' },
    { header: 'VCPUS', cell: (spec) => String(spec.vcpus) },
    { header: 'MEMORY GB', cell: (spec) => String(spec.memoryGb) },
    { header: 'ARCHITECTURE', cell: (spec) => ArchitectureSchema.value[spec.architecture]?.name ?? '' },
    { header: 'DESCRIPTION', cell: (spec) => spec.description },
  ],
  *validate(spec) {
    yield* checkName(errors, spec.name);
    yield* checkDescription(spec.description);
  },
});
