import type { ResourceType, RunInstancesCommandInput, SecurityGroup, Subnet, TagSpecification } from '@aws-sdk/client-ec2';
import { MurmurError } from '@murmur/api';

import { PlatformFault, type PlacementFinding, type Site } from '../substrate.js';
import type { Account } from './account.js';
import type { Cloud } from './cloud.js';
import { codeOf } from './faults.js';
import { type AwsPlace, placeOf } from './place.js';
import { keptTag, tagSpecifications } from './tags.js';

/** An id that nothing has: what is asked about it is only whether it may be asked. */
const nobody = '0'.repeat(17);

/** Looks at everything that a bake at a site needs, and makes nothing: by lists, and by calls that are only tried. */
export async function checkSite(cloud: Cloud, site: Site, signal: AbortSignal): Promise<readonly PlacementFinding[]> {
  const place = placeOf(site);
  const account = cloud.accounts.of(site);
  const entry = await finding('role and account', () => account.open().then(() => entered(place)), 'Set role_arn and account_id.');
  if (entry.outcome === 'failed') return [entry];
  const subnets: Subnet[] = [];
  const groups: SecurityGroup[] = [];
  const findings = [entry];
  findings.push(
    await finding('subnets', async () => {
      const ask = account.ask(signal, (client) => client.send(new cloud.ec2.DescribeSubnetsCommand({ SubnetIds: [...place.subnets] })));
      subnets.push(...((await ask).Subnets ?? []));
      return describeSubnets(subnets);
    }),
    await finding('security group', async () => {
      const request = { GroupIds: [place.securityGroup] };
      const ask = account.ask(signal, (client) => client.send(new cloud.ec2.DescribeSecurityGroupsCommand(request)));
      groups.push(...((await ask).SecurityGroups ?? []));
      return describeGroup(groups[0], subnets[0]);
    }),
    ...(await checkPermissions(cloud, account, place, signal)),
    wayTo(place),
  );
  return findings;
}

function entered({ accountId, externalId, roleArn }: AwsPlace): string {
  if (roleArn === '') return `the server's own identity, in account ${accountId}`;
  return `${roleArn}, for ${externalId} and nobody else, in account ${accountId}`;
}

function describeSubnets(subnets: readonly Subnet[]): string {
  if (subnets.length === 0) throw new MurmurError('FAILED_PRECONDITION', 'the placement names no subnet', { hint: 'Set subnet_ids.' });
  const vpcs = new Set(subnets.map(({ VpcId }) => VpcId));
  if (vpcs.size > 1) {
    const hint = 'Name subnets of one VPC.';
    throw new MurmurError('FAILED_PRECONDITION', `the subnets are in several VPCs: ${[...vpcs].join(', ')}`, { hint });
  }
  const full = subnets.filter(({ AvailableIpAddressCount: left }) => left === 0).map(({ SubnetId }) => SubnetId);
  if (full.length === subnets.length) {
    throw new MurmurError('FAILED_PRECONDITION', 'no subnet has an address left', { hint: 'Name subnets with room.' });
  }
  return subnets.map(({ AvailabilityZone: zone, SubnetId: id }) => `${id} (${zone})`).join(', ');
}

function describeGroup(group: SecurityGroup | undefined, subnet: Subnet | undefined): string {
  const { GroupId: id = '', IpPermissions: rules = [], VpcId: vpc = '' } = group ?? {};
  if (subnet !== undefined && subnet.VpcId !== vpc) {
    const hint = 'Name a group and subnets of one VPC.';
    throw new MurmurError('FAILED_PRECONDITION', `${id} is in ${vpc}, and the subnets are in ${subnet.VpcId}`, { hint });
  }
  const isOpen = rules.some(({ FromPort: from = 0, IpProtocol: protocol, ToPort: to = 65_535 }) => {
    return protocol === '-1' || (protocol === 'tcp' && from <= 22 && to >= 22);
  });
  if (isOpen) return `${id} in ${vpc} lets port 22 in from somewhere`;
  const hint = 'Add an inbound rule for TCP port 22 from the address of the server.';
  throw new MurmurError('FAILED_PRECONDITION', `${id} lets nobody in to port 22`, { hint });
}

function wayTo({ publicIp }: AwsPlace): PlacementFinding {
  const way = publicIp ? 'by public addresses' : 'by private addresses';
  return { check: 'way to machines', outcome: 'not checked', found: `${way}: "murmur try IMAGE ENVIRONMENT PLACEMENT -- true" shows it` };
}

async function checkPermissions(cloud: Cloud, account: Account, place: AwsPlace, signal: AbortSignal): Promise<PlacementFinding[]> {
  const { ec2 } = cloud;
  const machine = `i-${nobody}`;
  const launch: RunInstancesCommandInput = {
    ImageId: `ami-${nobody}`,
    InstanceType: 't3.micro',
    MinCount: 1,
    MaxCount: 1,
    NetworkInterfaces: [{ DeviceIndex: 0, SubnetId: place.subnets[0], Groups: [place.securityGroup] }],
    TagSpecifications: born(['instance', 'volume', 'network-interface']),
    ...(place.profileArn === '' ? {} : { IamInstanceProfile: { Arn: place.profileArn } }),
  };
  const DryRun = true;
  const ask = (name: string, use: Parameters<Account['askOnce']>[1]) => tried(name, account.askOnce(signal, use), place);
  return Promise.all([
    ask('ec2:RunInstances', (client) => client.send(new ec2.RunInstancesCommand({ ...launch, DryRun }))),
    ask('ec2:StopInstances', (client) => client.send(new ec2.StopInstancesCommand({ InstanceIds: [machine], DryRun }))),
    ask('ec2:CreateImage', (client) =>
      client.send(
        new ec2.CreateImageCommand({ InstanceId: machine, Name: 'murmur-check', TagSpecifications: born(['image', 'snapshot']), DryRun }),
      ),
    ),
    ask('ec2:CreateTags', (client) => client.send(new ec2.CreateTagsCommand({ Resources: [`ami-${nobody}`], Tags: [keptTag], DryRun }))),
    ask('ec2:TerminateInstances', (client) => client.send(new ec2.TerminateInstancesCommand({ InstanceIds: [machine], DryRun }))),
    ask('ec2:DeregisterImage', (client) => client.send(new ec2.DeregisterImageCommand({ ImageId: `ami-${nobody}`, DryRun }))),
    ask('ec2:DeleteSnapshot', (client) => client.send(new ec2.DeleteSnapshotCommand({ SnapshotId: `snap-${nobody}`, DryRun }))),
    ask('ec2:DeleteVolume', (client) => client.send(new ec2.DeleteVolumeCommand({ VolumeId: `vol-${nobody}`, DryRun }))),
    ask('ec2:DeleteNetworkInterface', (client) =>
      client.send(new ec2.DeleteNetworkInterfaceCommand({ NetworkInterfaceId: `eni-${nobody}`, DryRun })),
    ),
    ask('ec2:DescribeImages', (client) => client.send(new ec2.DescribeImagesCommand({ DryRun }))),
    ask('ec2:DescribeInstances', (client) => client.send(new ec2.DescribeInstancesCommand({ DryRun }))),
    ask('ec2:DescribeSnapshots', (client) => client.send(new ec2.DescribeSnapshotsCommand({ DryRun }))),
    ask('ec2:DescribeVolumes', (client) => client.send(new ec2.DescribeVolumesCommand({ DryRun }))),
    ask('ec2:DescribeNetworkInterfaces', (client) => client.send(new ec2.DescribeNetworkInterfacesCommand({ DryRun }))),
  ]);
}

function born(types: readonly ResourceType[]): TagSpecification[] {
  return tagSpecifications(types, [{ Key: 'murmur', Value: 'true' }]);
}

/** What a call that was only tried says: that it would have succeeded, that it may not be made, or neither. */
async function tried(check: string, call: Promise<unknown>, { roleArn }: AwsPlace): Promise<PlacementFinding> {
  try {
    await call;
    return { check, outcome: 'not checked', found: 'AWS did not take the call for a trial' };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'DryRunOperation') return { check, outcome: 'ok', found: 'allowed' };
    const found = error instanceof Error ? error.message : String(error);
    if (code === 'UnauthorizedOperation' || code === 'AccessDenied') {
      const remedy = `Allow ${check} to ${roleArn === '' ? "the server's own identity" : roleArn}; for what exists, where it has the tag murmur=true.`;
      return { check, outcome: 'failed', found, remedy };
    }
    if (/NotFound|Unavailable|Malformed|InvalidID/.test(code)) return { check, outcome: 'not checked', found: 'only a bake shows it' };
    return { check, outcome: 'failed', found, remedy: 'Set the placement as AWS asks for.' };
  }
}

async function finding(
  check: string,
  look: () => Promise<string>,
  remedy = 'Set the placement to what is there.',
): Promise<PlacementFinding> {
  try {
    return { check, outcome: 'ok', found: await look() };
  } catch (error) {
    if (!(error instanceof MurmurError || error instanceof PlatformFault)) throw error;
    return { check, outcome: 'failed', found: error.message, remedy: error instanceof MurmurError ? (error.hint ?? remedy) : remedy };
  }
}
