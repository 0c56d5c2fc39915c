import type { FieldDocumentation } from '../../kind.js';
import { descriptionField, nameField } from '../../shared-fields.js';
import { patternOf } from '../../shared-rows.js';
import { identifiers } from './aws-identifiers.js';

/** The fields of a placement. */
export const placementFields: readonly FieldDocumentation[] = [
  nameField,
  {
    path: 'substrate',
    type: 'string',
    required: 'yes',
    description: 'Values: SUBSTRATE_GCP, SUBSTRATE_AWS. Local placements are builtins.',
  },
  descriptionField,
  { path: 'gcp', type: 'object', required: 'one of', description: 'GCP target. May also be written as `target.gcp`.' },
  { path: 'gcp.project', type: 'string', required: 'yes', description: 'GCP project in which machines run and images live.' },
  { path: 'gcp.zones', type: 'string[]', required: 'yes', description: 'Zones to start machines in. At least one, all of one region.' },
  { path: 'gcp.subnet', type: 'string', required: 'no', description: 'Subnet of the machines.' },
  { path: 'gcp.network_project', type: 'string', required: 'no', description: 'Project of the subnet, when it is a shared one.' },
  { path: 'gcp.service_account', type: 'string', required: 'no', description: 'Service account of the machines.' },
  { path: 'gcp.assign_public_ip', type: 'boolean', required: 'no', description: 'Whether machines get a public address. Default false.' },
  {
    path: 'gcp.wif_provider_resource_name',
    type: 'string',
    required: 'no',
    description: 'Workload identity provider through which Murmur signs in.',
  },
  {
    path: 'gcp.wif_service_account',
    type: 'string',
    required: 'conditional',
    description: "Service account that Murmur acts as. Needed to bake, unless the operator lends the server's own credentials.",
  },
  { path: 'aws', type: 'object', required: 'one of', description: 'AWS target. May also be written as `target.aws`.' },
  {
    path: 'aws.account_id',
    type: 'string',
    required: 'yes',
    description: 'AWS account in which machines run and images live: 12 digits, in quotes.',
  },
  { path: 'aws.region', type: 'string', required: 'yes', description: 'AWS region (e.g. `us-east-1`).' },
  { path: 'aws.vpc_id', type: 'string', required: 'no', description: `VPC of the machines: \`${patternOf(identifiers.vpc)}\`.` },
  {
    path: 'aws.subnet_ids',
    type: 'string[]',
    required: 'no',
    description: `Subnets to start machines in, each \`${patternOf(identifiers.subnet)}\`.`,
  },
  {
    path: 'aws.security_group_id',
    type: 'string',
    required: 'no',
    description: `Security group of the machines: \`${patternOf(identifiers.securityGroup)}\`.`,
  },
  {
    path: 'aws.role_arn',
    type: 'string',
    required: 'conditional',
    description:
      "Role that Murmur assumes, with the tenant's id as external id. Needed to bake, unless the operator lends the server's own credentials.",
  },
  {
    path: 'aws.instance_profile_arn',
    type: 'string',
    required: 'no',
    description: 'Instance profile of the machines, of the same account.',
  },
  { path: 'aws.assign_public_ip', type: 'boolean', required: 'no', description: 'Whether machines get a public address. Default false.' },
];
