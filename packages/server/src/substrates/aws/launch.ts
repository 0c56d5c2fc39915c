import { createHash } from 'node:crypto';

import type { Image, Instance, RunInstancesCommandInput } from '@aws-sdk/client-ec2';

import { growingPause } from '../cloud/pauses.js';
import { type LaunchSpec, type Machine, PlatformFault, type Token } from '../substrate.js';
import type { Cloud } from './cloud.js';
import { rootDiskOf } from './disk.js';
import { unless } from './faults.js';
import { readBase } from './images.js';
import { machineFrom, presentOf } from './machine.js';
import { placeOf } from './place.js';
import { tagsOf, tagSpecifications } from './tags.js';
import { userDataOf } from './user-data.js';

/** So often every subnet is tried before the bake gets a fresh attempt. */
const mostRounds = 2;

/** Starts a machine in the first subnet that has room, or finds the one that was started with the token. */
export async function launchMachine(cloud: Cloud, spec: LaunchSpec, token: Token, signal: AbortSignal): Promise<Machine> {
  const { site } = spec;
  const account = cloud.accounts.of(site, token);
  const [before] = await presentOf(cloud, site, token, signal);
  if (before !== undefined) return machineFrom(site, token, before);
  const base = await readBase(cloud, spec.base.immutableId, site, token, signal);
  if (base === undefined) throw new PlatformFault(`${spec.base.immutableId} is not there`, { kind: 'refused' });
  const pause = growingPause(cloud.times.room, 'even', signal);
  let full: PlatformFault | undefined;
  for (let round = 0; round < mostRounds; round++) {
    if (round > 0) await pause();
    for (const subnet of turned(placeOf(site).subnets, spec.attempt - 1)) {
      const request = runRequest(spec, base, token, subnet);
      try {
        const { Instances: [made = {}] = [] } = await account.ask(signal, (client) =>
          client.send(new cloud.ec2.RunInstancesCommand(request)),
        );
        if (full !== undefined) await endOthers(cloud, spec, token, made, signal);
        return machineFrom(site, token, made);
      } catch (error) {
        if (!(error instanceof PlatformFault) || error.kind !== 'no-room') throw error;
        full = error;
      }
    }
  }
  throw full ?? new PlatformFault('the placement has no subnet', { kind: 'refused' });
}

/** Where a subnet was full at last, an answer lost before may have been that of a machine. One that is not seen yet goes with the token. */
async function endOthers(
  cloud: Cloud,
  { site }: LaunchSpec,
  token: Token,
  { InstanceId: own }: Instance,
  signal: AbortSignal,
): Promise<void> {
  const ids = (await presentOf(cloud, site, token, signal)).flatMap(({ InstanceId }) => InstanceId ?? []).filter((id) => id !== own);
  if (ids.length === 0) return;
  const request = new cloud.ec2.TerminateInstancesCommand({ InstanceIds: ids });
  await cloud.accounts
    .of(site, token)
    .ask(signal, (client) => client.send(request))
    .catch(unless('InvalidInstanceID.NotFound'));
}

/** A list that begins elsewhere: a zone that had a machine only for a moment is not the next attempt's first. */
function turned<T>(list: readonly T[], by: number): readonly T[] {
  const start = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

function runRequest(spec: LaunchSpec, base: Image, token: Token, SubnetId: string): RunInstancesCommandInput {
  const { profileArn, publicIp, securityGroup } = placeOf(spec.site);
  const tags = tagsOf(spec.owner, token, { lifetime: String(spec.lifetimeSeconds) });
  return {
    // One for each subnet: elsewhere the same token would start a second machine.
    ClientToken: createHash('sha256').update(`${token} ${SubnetId}`).digest('hex'),
    ImageId: spec.base.immutableId,
    InstanceType: (spec.machineType === '' ? 't3.micro' : spec.machineType) as NonNullable<RunInstancesCommandInput['InstanceType']>,
    MinCount: 1,
    MaxCount: 1,
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        SubnetId,
        ...(securityGroup === '' ? {} : { Groups: [securityGroup] }),
        // Asked for either way: a default subnet gives one unasked.
        AssociatePublicIpAddress: publicIp,
        DeleteOnTermination: true,
      },
    ],
    BlockDeviceMappings: [rootDiskOf(base, spec.diskType, spec.diskSizeGb)],
    MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
    InstanceInitiatedShutdownBehavior: 'terminate',
    TagSpecifications: tagSpecifications(['instance', 'volume', 'network-interface'], tags),
    ...(profileArn === '' ? {} : { IamInstanceProfile: { Arn: profileArn } }),
    UserData: userDataOf(spec),
  };
}
