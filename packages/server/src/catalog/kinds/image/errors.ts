import { row, rowAbout } from '@murmur/api';

import { descriptionRow, labelRows, missingRow, patternOf, referencedRow } from '../../shared-rows.js';
import { amiId, diskDigest } from './formats.js';

const invalid = 'INVALID_ARGUMENT';

/** What can be wrong with an image. Their order decides which of several faults is the message. */
export const imageErrors = {
  ...labelRows,
  descriptionTooLong: descriptionRow,
  architectureRequired: row(invalid, 'architecture is required', 'Set architecture to ARCHITECTURE_AMD64 or ARCHITECTURE_ARM64.'),
  architectureUnknown: row(invalid, 'unknown architecture value', 'Use a valid architecture enum value.'),
  sourceRequired: row(invalid, 'source is required (aws, gce, or docker)', 'Provide exactly one of aws, gce, or docker.'),
  amiIdsEmpty: row(invalid, 'aws.ami_ids must be non-empty', 'Add at least one region-to-AMI entry in aws.ami_ids.'),
  amiRegionEmpty: row(invalid, 'aws.ami_ids: region key must be non-empty', 'Every key in aws.ami_ids must be a non-empty region string.'),
  amiIdPattern: rowAbout(
    invalid,
    ['<region>'],
    (region) => `aws.ami_ids[${region}]: must match ${patternOf(amiId)}`,
    'Each AMI ID must be a valid AWS AMI identifier (e.g. ami-0abc123def456789a).',
  ),
  selfLinkRequired: row(invalid, 'gce.self_link is required', 'Provide a gce.self_link value.'),
  selfLinkInvalid: row(
    invalid,
    'gce.self_link: invalid GCE image reference',
    'Use the format projects/<project>/global/images/<name> or projects/<project>/global/images/family/<family>.',
  ),
  imageRefRequired: row(invalid, 'docker.image_ref is required', 'Provide a docker.image_ref value.'),
  imageRefInvalid: row(invalid, 'docker.image_ref: invalid OCI image reference', 'Use a reference such as ghcr.io/foo/bar:v1.2.'),
  diskDigestRequired: row(invalid, 'qemu.disk_digest is required', 'Provide a qemu.disk_digest value.'),
  diskDigestInvalid: row(
    invalid,
    `qemu.disk_digest: must match ${patternOf(diskDigest)}`,
    'Use the SHA-256 digest of the disk file, in lower-case hexadecimal digits.',
  ),
  provenanceSet: row(
    invalid,
    'provenance cannot be set via SetResource',
    'Provenance is set by the bake process. Remove the provenance field from your input.',
  ),
  bakedImmutable: row(
    'FAILED_PRECONDITION',
    'baked images are immutable',
    'Baked images cannot be updated or deleted. Bake a new image from the recipe instead.',
  ),
  recipeMissing: missingRow('recipe_ref', 'recipe'),
  referenced: referencedRow('image', 'recipe: Y'),
};
