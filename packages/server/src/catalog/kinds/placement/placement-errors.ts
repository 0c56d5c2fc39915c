import { row, rowAbout } from '../../faults.js';
import { descriptionRow, labelRows, referencedRow } from '../../shared-rows.js';

const invalid = 'INVALID_ARGUMENT';

/** What can be wrong with a placement. Their order decides which of several faults is the message. */
export const placementErrors = {
  ...labelRows,
  substrateRequired: row(invalid, 'substrate is required', 'Set substrate to SUBSTRATE_GCP or SUBSTRATE_AWS.'),
  substrateUnknown: row(invalid, 'unknown substrate value', 'Set substrate to SUBSTRATE_GCP or SUBSTRATE_AWS.'),
  substrateLocal: rowAbout(
    invalid,
    ['SUBSTRATE_QEMU'],
    (substrate) => `placements on ${substrate} are defined by the server's configuration`,
    'Use the builtin placements murmur-qemu-local and murmur-docker-local.',
  ),
  targetRequired: row(invalid, 'target is required (gcp or aws)', 'Provide exactly one of gcp or aws.'),
  targetMismatch: rowAbout(
    invalid,
    ['aws', 'SUBSTRATE_GCP'],
    (target, substrate) => `target ${target} does not match substrate ${substrate}`,
    'Use gcp with SUBSTRATE_GCP and aws with SUBSTRATE_AWS.',
  ),
  projectRequired: row(invalid, 'gcp.project is required', 'Provide the id of the GCP project.'),
  zonesRequired: row(invalid, 'gcp.zones must be non-empty', 'Add at least one zone, such as us-central1-a.'),
  zoneInvalid: rowAbout(invalid, ['N'], (index) => `gcp.zones[${index}]: invalid zone`, 'Use a zone such as us-central1-a.'),
  zonesRegion: row(invalid, 'gcp.zones must be in one region', 'Use zones of one region, such as us-central1-a and us-central1-b.'),
  accountRequired: row(invalid, 'aws.account_id is required', 'Provide the id of the AWS account.'),
  accountInvalid: row(invalid, 'aws.account_id: must be 12 digits', 'Use the 12 digits of the AWS account id, in quotes.'),
  regionRequired: row(invalid, 'aws.region is required', 'Provide an AWS region, such as us-east-1.'),
  descriptionTooLong: descriptionRow,
  referenced: referencedRow('placement', 'workspace: Y'),
};
