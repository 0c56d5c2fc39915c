import type { FieldDocumentation } from '../../kind.js';
import { descriptionField, nameField, secretNamesRule } from '../../shared-fields.js';
import { maxScriptKib, maxTimeout } from './limits.js';

const baseRule = 'At least one base image is required; all of them must have the same architecture.';

/** The fields of a recipe. */
export const recipeFields: readonly FieldDocumentation[] = [
  nameField,
  {
    path: 'base_image_aws_ref',
    type: 'string',
    required: 'conditional',
    description: `Base image name for AWS bakes. Must reference a catalog image with an AWS source. ${baseRule}`,
  },
  {
    path: 'base_image_gce_ref',
    type: 'string',
    required: 'conditional',
    description: `Base image name for GCE bakes. Must reference a catalog image with a GCE source. ${baseRule}`,
  },
  {
    path: 'base_image_docker_ref',
    type: 'string',
    required: 'conditional',
    description: `Base image name for Docker bakes. Must reference a catalog image with a Docker source. ${baseRule}`,
  },
  {
    path: 'base_image_qemu_ref',
    type: 'string',
    required: 'conditional',
    description: `Base image name for QEMU bakes. Must reference a catalog image with a QEMU source. ${baseRule}`,
  },
  {
    path: 'provisioning_script',
    type: 'string',
    required: 'yes',
    description: `Script content that runs on the scratch machine during a bake. Max ${maxScriptKib} KiB.`,
  },
  {
    path: 'provisioning_timeout',
    type: 'string',
    required: 'yes',
    description: `Maximum execution time for the provisioning script. Go duration format (e.g. \`10m\`, \`30m\`). Max \`${maxTimeout}\`.`,
  },
  {
    path: 'secret_allowlist',
    type: 'string[]',
    required: 'no',
    description: `Names of catalog secrets the provisioning script may access during a bake. Only these secrets are available on the scratch machine. ${secretNamesRule}`,
  },
  descriptionField,
];
