import { row, rowAbout } from '@murmur/api';

import { descriptionRow, labelRows, patternOf, referencedRow } from '../../shared-rows.js';
import { identifiers } from './aws-identifiers.js';

const invalid = 'INVALID_ARGUMENT';
const serviceAccountHint = 'Use its email address, such as murmur@acme-agents.iam.gserviceaccount.com.';

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
  projectInvalid: row(
    invalid,
    'gcp.project: invalid project id',
    'Use the id of the project, such as acme-agents, not its name or number.',
  ),
  zonesRequired: row(invalid, 'gcp.zones must be non-empty', 'Add at least one zone, such as us-central1-a.'),
  zoneInvalid: rowAbout(invalid, ['N'], (index) => `gcp.zones[${index}]: invalid zone`, 'Use a zone such as us-central1-a.'),
  zonesRegion: row(invalid, 'gcp.zones must be in one region', 'Use zones of one region, such as us-central1-a and us-central1-b.'),
  subnetInvalid: row(invalid, 'gcp.subnet: invalid subnet', 'Use its name, or projects/<project>/regions/<region>/subnetworks/<name>.'),
  networkProjectInvalid: row(invalid, 'gcp.network_project: invalid project id', 'Use the id of the project that shares its network.'),
  serviceAccountInvalid: row(invalid, 'gcp.service_account: invalid service account', serviceAccountHint),
  wifProviderInvalid: row(
    invalid,
    'gcp.wif_provider_resource_name: invalid provider',
    'Use projects/<number>/locations/global/workloadIdentityPools/<pool>/providers/<provider>.',
  ),
  wifServiceAccountInvalid: row(invalid, 'gcp.wif_service_account: invalid service account', serviceAccountHint),
  accountRequired: row(invalid, 'aws.account_id is required', 'Provide the id of the AWS account.'),
  accountInvalid: row(invalid, 'aws.account_id: must be 12 digits', 'Use the 12 digits of the AWS account id, in quotes.'),
  regionRequired: row(invalid, 'aws.region is required', 'Provide an AWS region, such as us-east-1.'),
  regionInvalid: row(invalid, 'aws.region: invalid region', 'Use the code of a region, such as us-east-1, not of a zone in it.'),
  vpcInvalid: row(invalid, `aws.vpc_id: must match ${patternOf(identifiers.vpc)}`, 'Use the id of the VPC, such as vpc-0abc123def456789a.'),
  subnetIdInvalid: rowAbout(
    invalid,
    ['N'],
    (index) => `aws.subnet_ids[${index}]: must match ${patternOf(identifiers.subnet)}`,
    'Use the id of the subnet, such as subnet-0abc123def456789a.',
  ),
  securityGroupInvalid: row(
    invalid,
    `aws.security_group_id: must match ${patternOf(identifiers.securityGroup)}`,
    'Use the id of the security group, such as sg-0abc123def456789a.',
  ),
  roleInvalid: row(
    invalid,
    "aws.role_arn: must be the ARN of one of the account's roles",
    'Use arn:aws:iam::<account_id>:role/<name>, with the same account_id.',
  ),
  instanceProfileInvalid: row(
    invalid,
    "aws.instance_profile_arn: must be the ARN of one of the account's instance profiles",
    'Use arn:aws:iam::<account_id>:instance-profile/<name>, with the same account_id.',
  ),
  descriptionTooLong: descriptionRow,
  referenced: referencedRow('placement', 'workspace: Y'),
};
