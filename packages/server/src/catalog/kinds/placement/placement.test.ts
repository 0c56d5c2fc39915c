import { expect, test } from 'vitest';

import { describeKind } from '../../describe-kind.js';
import { refused, testCatalog } from '../../testing.js';

const gcp = 'name: iowa\nsubstrate: SUBSTRATE_GCP\n';
const target = 'gcp: {project: acme-agents, zones: [us-central1-a]}\n';
const aws = 'name: iowa\nsubstrate: AWS\n';

const gcpValues = [
  ['INVALID_ARGUMENT: gcp.project: invalid project id', 'project', 'Acme Agents'],
  ['INVALID_ARGUMENT: gcp.subnet: invalid subnet', 'subnet', 'Agents'],
  ['INVALID_ARGUMENT: gcp.subnet: invalid subnet', 'subnet', 'regions/us-central1/subnetworks/agents'],
  ['INVALID_ARGUMENT: gcp.network_project: invalid project id', 'network_project', 'acme/net'],
  ['INVALID_ARGUMENT: gcp.service_account: invalid service account', 'service_account', 'murmur'],
  ['INVALID_ARGUMENT: gcp.service_account: invalid service account', 'service_account', 'ana@example.com'],
  ['INVALID_ARGUMENT: gcp.wif_provider_resource_name: invalid provider', 'wif_provider_resource_name', 'murmur'],
  ['INVALID_ARGUMENT: gcp.wif_service_account: invalid service account', 'wif_service_account', 'ana@example.com'],
] as const;

const noRole = "INVALID_ARGUMENT: aws.role_arn: must be the ARN of one of the account's roles";
const noProfile = "INVALID_ARGUMENT: aws.instance_profile_arn: must be the ARN of one of the account's instance profiles";
const awsValues = [
  ['INVALID_ARGUMENT: aws.region: invalid region', 'region', 'us-east-1a'],
  ['INVALID_ARGUMENT: aws.region: invalid region', 'region', 'US East'],
  ['INVALID_ARGUMENT: aws.vpc_id: must match vpc-[0-9a-f]{8,17}', 'vpc_id', 'default'],
  ['INVALID_ARGUMENT: aws.subnet_ids[N]: must match subnet-[0-9a-f]{8,17}', 'subnet_ids', ['subnet-01234567', '']],
  ['INVALID_ARGUMENT: aws.security_group_id: must match sg-[0-9a-f]{8,17}', 'security_group_id', 'vpc-01234567'],
  [noRole, 'role_arn', 'murmur'],
  [noRole, 'role_arn', 'arn:aws:iam::210987654321:role/murmur'],
  [noRole, 'role_arn', 'arn:aws:iam::123456789012:user/murmur'],
  [noProfile, 'instance_profile_arn', 'arn:aws:iam::123456789012:role/murmur'],
  [noProfile, 'instance_profile_arn', 'arn:aws:iam::210987654321:instance-profile/agents'],
] as const;

describeKind({
  kind: 'placement',
  named: 'iowa',
  prepare: async (catalog) => {
    await catalog.set('placement', 'used', (gcp + target).replace('iowa', 'used'));
    await catalog.set(
      'workspace',
      'app',
      'name: app\nimage_ref: murmur-gce-base\nenvironment_ref: murmur-qemu-small\nplacement: used\nrepos: [{clone_url: "https://example.com/app"}]\n',
    );
  },
  accepted: [
    gcp + target,
    `${gcp}target:\n  ${target}`,
    `${gcp}target:\n  gcp: {project: acme, zones: [us-south1-ai1b, us-south1-a], networkProject: net, assignPublicIp: true}\n`,
    `${aws}aws: {account_id: "123456789012", region: us-east-1, vpc_id: vpc-0abc123def456789a, subnet_ids: [subnet-0abc123def456789a, subnet-01234567], security_group_id: sg-01234567, role_arn: "arn:aws:iam::123456789012:role/murmur"}\n`,
    `${aws}aws: {account_id: "123456789012", region: us-gov-west-1, assign_public_ip: true, role_arn: "arn:aws-us-gov:iam::123456789012:role/team/murmur", instance_profile_arn: "arn:aws-us-gov:iam::123456789012:instance-profile/agents"}\n`,
    `${gcp}gcp: {project: "example.com:acme", zones: [us-central1-a], subnet: agents, network_project: acme-net, service_account: 12-compute@developer.gserviceaccount.com, wif_provider_resource_name: //iam.googleapis.com/projects/1234/locations/global/workloadIdentityPools/murmur/providers/murmur, wif_service_account: murmur@acme.iam.gserviceaccount.com}\n`,
    `${gcp}gcp: {project: acme, zones: [us-central1-a], subnet: projects/net/regions/us-central1/subnetworks/agents}\n`,
    `${aws}target: {aws: {accountId: "123456789012", region: us-east-1}}\ndescription: east\n`,
  ],
  errors: [
    { documented: 'INVALID_ARGUMENT: name is required', document: `substrate: GCP\n${target}` },
    { documented: 'INVALID_ARGUMENT: name must match [a-z][a-z0-9-]{0,62}', document: `name: Iowa\nsubstrate: GCP\n${target}` },
    {
      documented: 'INVALID_ARGUMENT: name "a" does not match "b"',
      message: 'name "iowa" does not match "ohio"',
      document: gcp + target,
      name: 'ohio',
    },
    { documented: 'INVALID_ARGUMENT: substrate is required', document: `name: iowa\n${target}` },
    { documented: 'INVALID_ARGUMENT: unknown substrate value', document: `name: iowa\nsubstrate: MOON\n${target}` },
    {
      documented: "INVALID_ARGUMENT: placements on SUBSTRATE_QEMU are defined by the server's configuration",
      document: 'name: iowa\nsubstrate: QEMU\n',
    },
    {
      documented: "INVALID_ARGUMENT: placements on SUBSTRATE_QEMU are defined by the server's configuration",
      message: "placements on SUBSTRATE_DOCKER are defined by the server's configuration",
      document: `name: iowa\nsubstrate: DOCKER\n${target}`,
    },
    { documented: 'INVALID_ARGUMENT: target is required (gcp or aws)', document: gcp },
    { documented: 'INVALID_ARGUMENT: target is required (gcp or aws)', document: `${gcp}target:\n` },
    {
      documented: 'INVALID_ARGUMENT: target is required (gcp or aws)',
      document: `${gcp}${target}aws: {account_id: "123456789012", region: us-east-1}\n`,
    },
    {
      documented: 'INVALID_ARGUMENT: target aws does not match substrate SUBSTRATE_GCP',
      document: `${gcp}aws: {account_id: "123456789012", region: us-east-1}\n`,
    },
    { documented: 'INVALID_ARGUMENT: gcp.project is required', document: `${gcp}gcp: {zones: [us-central1-a]}\n` },
    { documented: 'INVALID_ARGUMENT: gcp.zones must be non-empty', document: `${gcp}gcp: {project: acme}\n` },
    {
      documented: 'INVALID_ARGUMENT: gcp.zones[N]: invalid zone',
      message: 'gcp.zones[1]: invalid zone',
      document: `${gcp}gcp: {project: acme, zones: [us-central1-a, "US central"]}\n`,
    },
    {
      documented: 'INVALID_ARGUMENT: gcp.zones must be in one region',
      document: `${gcp}gcp: {project: acme, zones: [us-central1-a, us-east1-b]}\n`,
    },
    { documented: 'INVALID_ARGUMENT: aws.account_id is required', document: `${aws}aws: {region: us-east-1}\n` },
    { documented: 'INVALID_ARGUMENT: aws.account_id: must be 12 digits', document: `${aws}aws: {account_id: "12", region: us-east-1}\n` },
    { documented: 'INVALID_ARGUMENT: aws.region is required', document: `${aws}aws: {account_id: "123456789012"}\n` },
    ...gcpValues.map(([documented, field, value]) => ({
      documented,
      document: `${gcp}gcp: ${JSON.stringify({ project: 'acme', zones: ['us-central1-a'], [field]: value })}\n`,
    })),
    ...awsValues.map(([documented, field, value]) => ({
      documented,
      message: documented.replace(/^INVALID_ARGUMENT: /, '').replace('[N]', '[1]'),
      document: `${aws}aws: ${JSON.stringify({ account_id: '123456789012', region: 'us-east-1', [field]: value })}\n`,
    })),
    { documented: 'INVALID_ARGUMENT: description exceeds 1024 byte limit', document: `${gcp}${target}description: ${'x'.repeat(1025)}\n` },
    {
      documented: 'FAILED_PRECONDITION: cannot delete placement "X": referenced by workspace: Y',
      message: 'cannot delete placement "used": referenced by workspace: app',
      attempt: async (catalog) => catalog.remove('placement', 'used'),
    },
  ],
});

test('the placements on the host are hidden from all but local tenants', async () => {
  const catalog = await testCatalog();
  const stranger = catalog.as('github_app/acme');
  expect((await catalog.get('placement', 'murmur-qemu-local')).builtin).toBe(true);
  expect(await refused(stranger.get('placement', 'murmur-qemu-local'))).toBe('NOT_FOUND: placement "murmur-qemu-local" not found');
  const workspace =
    'name: app\nimage_ref: murmur-gce-base\nenvironment_ref: murmur-qemu-small\nplacement: murmur-qemu-local\nrepos: [{clone_url: "https://example.com/app"}]\n';
  expect(await refused(stranger.set('workspace', 'app', workspace))).toBe(
    'FAILED_PRECONDITION: placement "murmur-qemu-local" does not exist',
  );
  expect((await catalog.set('workspace', 'app', workspace)).changed).toBe(true);
  await catalog.close();
});
