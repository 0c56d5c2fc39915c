import type { FieldDocumentation } from '../../kind.js';
import { descriptionField, nameField } from '../../shared-fields.js';
import { patternOf } from '../../shared-rows.js';
import { amiId, diskDigest } from './formats.js';

const provenance = 'Bake provenance. Set automatically when the image is produced by a bake. Cannot be set via `murmur set`.';

/** The fields of an image. */
export const imageFields: readonly FieldDocumentation[] = [
  { ...nameField, description: `${nameField.description} For baked images the name is generated automatically.` },
  descriptionField,
  {
    path: 'architecture',
    type: 'string',
    required: 'yes',
    description: 'CPU architecture. Values: ARCHITECTURE_AMD64, ARCHITECTURE_ARM64.',
  },
  {
    path: 'preinstalled',
    type: 'string',
    required: 'no',
    description: 'Summary of preinstalled software on this image. Set on platform-managed images.',
  },
  { path: 'aws', type: 'object', required: 'one of', description: 'AWS AMI source.' },
  {
    path: 'aws.ami_ids',
    type: 'map<string, string>',
    required: 'yes',
    description: `Region-to-AMI-ID map. Each key is an AWS region, each value is an AMI ID: \`${patternOf(amiId)}\`. Must have at least one entry.`,
  },
  { path: 'aws.provenance', type: 'object', required: 'no', description: provenance },
  { path: 'gce', type: 'object', required: 'one of', description: 'GCE image source.' },
  {
    path: 'gce.self_link',
    type: 'string',
    required: 'yes',
    description:
      'GCE image self-link. Format: `projects/<project>/global/images/<name>` or `projects/<project>/global/images/family/<family>`.',
  },
  { path: 'gce.provenance', type: 'object', required: 'no', description: provenance },
  { path: 'docker', type: 'object', required: 'one of', description: 'Docker container source.' },
  { path: 'docker.image_ref', type: 'string', required: 'yes', description: 'OCI image reference (e.g. `ghcr.io/foo/bar:v1.2`).' },
  {
    path: 'docker.pull_credential_secret',
    type: 'string',
    required: 'no',
    description: 'Name of a tenant secret used for container registry authentication.',
  },
  { path: 'docker.provenance', type: 'object', required: 'no', description: provenance },
  { path: 'qemu', type: 'object', required: 'one of', description: 'QEMU disk source, on the host of the server.' },
  {
    path: 'qemu.disk_digest',
    type: 'string',
    required: 'yes',
    description: `SHA-256 digest of the disk file: \`${patternOf(diskDigest)}\`.`,
  },
  { path: 'qemu.provenance', type: 'object', required: 'no', description: provenance },
  { path: 'provenance.recipe_ref', type: 'string', required: 'yes', description: 'Name of the recipe that produced this image.' },
  {
    path: 'provenance.image_hash',
    type: 'string',
    required: 'yes',
    description: 'SHA-256 hex hash of the bake inputs. 64 characters. Immutable.',
  },
];
