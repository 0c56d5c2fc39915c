import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import type { Filter, Image as Ami, Instance, RunInstancesCommandInput, Tag } from '@aws-sdk/client-ec2';
import { create } from '@bufbuild/protobuf';
import { AwsSourceSchema, MurmurError } from '@murmur/api';

import { connectSsh, type SshChannel } from '../ssh.js';
import {
  PlatformFault,
  type GuestKeys,
  type Handle,
  type LaunchSpec,
  type Machine,
  type OwnedThing,
  type Owner,
  type Site,
  type Substrate,
  type Token,
} from '../substrate.js';
import { createAccounts, placeOf, siteOfPlace, type AwsConfiguration } from './account.js';
import { asFault, codeOf, kindOf } from './faults.js';
import { userDataOf } from './user-data.js';

const pollMs = 1000;
/** A machine that runs but does not answer is given up after this long. */
const answerMs = 10 * 60_000;
/** One attempt at a connection. */
const dialMs = 15_000;
const rootDevice = '/dev/xvda';
const live = ['pending', 'running', 'stopping', 'stopped'];

/** The substrate on Amazon EC2. */
export async function createAwsSubstrate(configuration: AwsConfiguration): Promise<Substrate> {
  const accounts = createAccounts(configuration);
  const ec2 = await import('@aws-sdk/client-ec2');

  const instances = (site: Site, filters: Filter[], signal: AbortSignal) =>
    accounts.ask(site, signal, async (client) => {
      const found: Instance[] = [];
      for await (const page of ec2.paginateDescribeInstances({ client }, { Filters: filters })) {
        found.push(...(page.Reservations ?? []).flatMap((reservation) => reservation.Instances ?? []));
      }
      return found;
    });
  const images = (site: Site, filters: Filter[], signal: AbortSignal) =>
    accounts.ask(site, signal, async (client) => {
      const found: Ami[] = [];
      for await (const page of ec2.paginateDescribeImages({ client }, { Owners: ['self'], Filters: filters }))
        found.push(...(page.Images ?? []));
      return found;
    });
  const snapshots = (site: Site, filters: Filter[], signal: AbortSignal) =>
    accounts.ask(site, signal, async (client) => {
      const found = [];
      for await (const page of ec2.paginateDescribeSnapshots({ client }, { OwnerIds: ['self'], Filters: filters }))
        found.push(...(page.Snapshots ?? []));
      return found;
    });
  const alive = (site: Site, token: Token, signal: AbortSignal) =>
    instances(site, [tagged('token', token), { Name: 'instance-state-name', Values: live }], signal);
  const instanceOf = async ({ handle, site, token }: Machine, signal: AbortSignal): Promise<Instance | undefined> =>
    (await alive(site, token, signal)).find(({ InstanceId }) => InstanceId === handle['instanceId']);

  const enter = async (machine: Machine, keys: GuestKeys, signal: AbortSignal): Promise<SshChannel> => {
    for (const limit = Date.now() + answerMs; ;) {
      signal.throwIfAborted();
      const instance = await instanceOf(machine, signal);
      const state = instance?.State?.Name;
      // A list may lag behind the launch; the machine itself says when it is lost.
      if (state !== 'pending' && state !== 'running') throw new PlatformFault(`the machine is ${state ?? 'gone'}`);
      const host = placeOf(machine.site).publicIp ? instance?.PublicIpAddress : instance?.PrivateIpAddress;
      const dialling = AbortSignal.timeout(dialMs);
      try {
        if (host !== undefined && state === 'running') {
          return await connectSsh({ host, port: 22, keys, signal: AbortSignal.any([signal, dialling]) });
        }
      } catch (error) {
        signal.throwIfAborted();
        // Until the guest has read its keys, a wrong one is as good as none.
        if (Date.now() > limit) throw new PlatformFault(`the machine at ${host} does not answer on port 22`, { cause: error });
      }
      await delay(pollMs, undefined, { signal });
    }
  };
  const removeImage = async (site: Site, ami: Ami, signal: AbortSignal) => {
    await accounts
      .ask(site, signal, (client) => client.send(new ec2.DeregisterImageCommand({ ImageId: ami.ImageId, DeleteAssociatedSnapshots: true })))
      .catch(unless('InvalidAMIID.Unavailable', 'InvalidAMIID.NotFound'));
  };
  const removeSnapshot = async (site: Site, id: string | undefined, signal: AbortSignal) => {
    await accounts
      .ask(site, signal, (client) => client.send(new ec2.DeleteSnapshotCommand({ SnapshotId: id })))
      .catch(unless('InvalidSnapshot.NotFound', 'InvalidSnapshot.InUse'));
  };
  const imageById = async (site: Site, { ami }: Handle, signal: AbortSignal) =>
    (await images(site, [{ Name: 'image-id', Values: [String(ami as string)] }], signal))[0];

  return {
    name: 'AWS',
    local: false,
    scope: ({ target }) => (target.case === 'aws' ? `${target.value.accountId}/${target.value.region}` : ''),
    siteOf({ target }, tenant) {
      if (target.case !== 'aws') throw new TypeError('not a placement on AWS');
      const { accountId, assignPublicIp, instanceProfileArn, region, roleArn, securityGroupId, subnetIds } = target.value;
      const own = { accountId, region, roleArn, externalId: tenant, subnets: subnetIds };
      return siteOfPlace({ ...own, securityGroup: securityGroupId, profileArn: instanceProfileArn, publicIp: assignPublicIp });
    },
    serves: () => true,
    async resolveBase(site, image, _rights, signal) {
      const { region } = placeOf(site);
      const id = image.source.case === 'aws' ? image.source.value.amiIds[region] : undefined;
      const found =
        id === undefined
          ? undefined
          : await accounts
              .ask(site, signal, (client) => client.send(new ec2.DescribeImagesCommand({ ImageIds: [id] })))
              .then(({ Images: [ami] = [] }) => ami)
              .catch(unless('InvalidAMIID.NotFound'));
      if (id !== undefined && found?.State === 'available') {
        const size = found.BlockDeviceMappings?.[0]?.Ebs?.VolumeSize;
        const architecture = found.Architecture === 'arm64' ? 'ARM64' : 'AMD64';
        return { immutableId: id, architecture, ...(size === undefined ? {} : { minimumDiskGb: size }) };
      }
      throw new MurmurError('FAILED_PRECONDITION', `image "${image.name}" has no AMI in region ${region}`, {
        hint: 'Bake it there, or share the AMI with the account of the placement.',
      });
    },
    async launch(spec, token, signal) {
      const { site } = spec;
      const [before] = await alive(site, token, signal);
      if (before?.InstanceId !== undefined) return { site, token, handle: { instanceId: before.InstanceId } };
      let last: unknown;
      for (const subnet of placeOf(site).subnets) {
        try {
          const request = new ec2.RunInstancesCommand(runRequest(spec, token, subnet));
          const { Instances: [made] = [] } = await accounts.ask(site, signal, (client) => client.send(request));
          if (made?.InstanceId !== undefined) return { site, token, handle: { instanceId: made.InstanceId } };
          throw new PlatformFault('AWS answered a launch without a machine');
        } catch (error) {
          if (kindOf(error) !== 'no-room') throw asFault(error);
          last = error;
        }
      }
      throw asFault(last);
    },
    async waitReady(machine, keys, signal) {
      await using channel = await enter(machine, keys, signal);
      await channel.run('if [ -d /run/systemd/system ]; then systemctl is-system-running --wait; fi; true', { signal });
    },
    channel: enter,
    async capture(machine, _keys, { name, owner, token }, signal) {
      const { site } = machine;
      const find = async () => (await images(site, [tagged('token', token)], signal))[0];
      for (let made = await find(); ; made = await find()) {
        if (made?.State === 'available') return artifactOf(site, made);
        if (made?.State === 'failed') await removeImage(site, made, signal);
        if (made?.State !== 'pending') {
          const state = (await instanceOf(machine, signal))?.State?.Name;
          if (state === undefined) throw new PlatformFault('the machine is gone');
          const InstanceId = String(machine.handle['instanceId'] as string);
          if (state === 'running')
            await accounts.ask(site, signal, (client) => client.send(new ec2.StopInstancesCommand({ InstanceIds: [InstanceId] })));
          if (state === 'stopped') {
            const tags = tagsOf(owner, token);
            const TagSpecifications = (['image', 'snapshot'] as const).map((ResourceType) => ({ ResourceType, Tags: tags }));
            const request = new ec2.CreateImageCommand({
              InstanceId,
              Name: `${name}-${token}`.slice(-128),
              NoReboot: true,
              TagSpecifications,
            });
            // It takes no token: whatever came of it is looked for by ours before it is asked for again.
            await accounts
              .askOnce(site, (client) => client.send(request))
              .catch((error: unknown) => {
                if (codeOf(error) !== 'InvalidAMIName.Duplicate' && kindOf(error) !== 'slow-down') throw asFault(error);
              });
          }
        }
        await delay(pollMs, undefined, { signal });
      }
    },
    imageId: ({ ami }) => (typeof ami === 'string' ? ami : undefined),
    async imageExists(site, reference, check, signal) {
      const found = await imageById(site, reference, signal);
      if (found?.State !== 'available') return false;
      if (check === 'quick') return true;
      const ids = snapshotIds(found);
      const there = await snapshots(site, [{ Name: 'snapshot-id', Values: ids }], signal);
      return ids.length > 0 && ids.every((id) => there.some(({ SnapshotId, State }) => SnapshotId === id && State === 'completed'));
    },
    async keepImage(site, reference, signal) {
      const found = await imageById(site, reference, signal);
      if (found?.ImageId === undefined) return;
      const Resources = [found.ImageId, ...snapshotIds(found)];
      const Tags = [{ Key: 'murmur-kept', Value: 'true' }];
      await accounts.ask(site, signal, (client) => client.send(new ec2.CreateTagsCommand({ Resources, Tags })));
    },
    async discardImage(site, reference, signal) {
      const found = await imageById(site, reference, signal);
      if (found === undefined) return;
      await removeImage(site, found, signal);
      for (const id of snapshotIds(found)) await removeSnapshot(site, id, signal);
    },
    async destroy(site, token, signal) {
      for (;;) {
        const left = await alive(site, token, signal);
        const ids = left.flatMap(({ InstanceId }) => InstanceId ?? []);
        if (ids.length === 0) break;
        await accounts
          .ask(site, signal, (client) => client.send(new ec2.TerminateInstancesCommand({ InstanceIds: ids })))
          .catch(unless('InvalidInstanceID.NotFound'));
        await delay(pollMs, undefined, { signal });
      }
      for (const one of await images(site, [tagged('token', token)], signal)) if (!isKept(one.Tags)) await removeImage(site, one, signal);
      for (const one of await snapshots(site, [tagged('token', token)], signal)) {
        if (!isKept(one.Tags)) await removeSnapshot(site, one.SnapshotId, signal);
      }
    },
    async listOwned(site, installation, signal) {
      const ours = [tagged('installation', installation)];
      const things: OwnedThing[] = [];
      const add = (type: OwnedThing['type'], tags: Tag[] | undefined, createdAt: Date | string | undefined, handle: Handle) =>
        void things.push({
          type,
          token: tagOf(tags, 'token') as Token,
          owner: ownerOf(tags),
          createdAt: new Date(createdAt ?? 0).getTime(),
          handle,
        });
      for (const one of await instances(site, [...ours, { Name: 'instance-state-name', Values: live }], signal)) {
        add('machine', one.Tags, one.LaunchTime, { instanceId: one.InstanceId ?? '' });
      }
      const there = await images(site, ours, signal);
      for (const one of there) if (!isKept(one.Tags)) add('image', one.Tags, one.CreationDate, { ami: one.ImageId ?? '' });
      for (const one of await snapshots(site, ours, signal)) {
        // A snapshot belongs to its image for as long as that is there.
        if (there.some((image) => tagOf(image.Tags, 'token') === tagOf(one.Tags, 'token'))) continue;
        add('snapshot', one.Tags, one.StartTime, { snapshotId: one.SnapshotId ?? '' });
      }
      return { things };
    },
    close: () => Promise.resolve(accounts.close()),
  };
}

function runRequest(spec: LaunchSpec, token: Token, subnet: string): RunInstancesCommandInput {
  const { profileArn, publicIp, securityGroup } = placeOf(spec.site);
  const tags = tagsOf(spec.owner, token);
  return {
    // One for each subnet: elsewhere the same token would start a second machine.
    ClientToken: createHash('sha256').update(`${token} ${subnet}`).digest('hex'),
    ImageId: spec.base.immutableId,
    InstanceType: (spec.machineType || 't3.micro') as NonNullable<RunInstancesCommandInput['InstanceType']>,
    MinCount: 1,
    MaxCount: 1,
    NetworkInterfaces: [
      { DeviceIndex: 0, SubnetId: subnet, Groups: [securityGroup], AssociatePublicIpAddress: publicIp, DeleteOnTermination: true },
    ],
    BlockDeviceMappings: [
      {
        DeviceName: rootDevice,
        Ebs: {
          VolumeType: (spec.diskType || 'gp3') as 'gp3',
          Encrypted: true,
          DeleteOnTermination: true,
          ...(spec.diskSizeGb > 0 ? { VolumeSize: spec.diskSizeGb } : {}),
        },
      },
    ],
    MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
    InstanceInitiatedShutdownBehavior: 'terminate',
    TagSpecifications: (['instance', 'volume', 'network-interface'] as const).map((ResourceType) => ({ ResourceType, Tags: tags })),
    ...(profileArn === '' ? {} : { IamInstanceProfile: { Arn: profileArn } }),
    UserData: userDataOf(spec),
  };
}

function tagsOf(owner: Owner, token: Token): Tag[] {
  const { installation, runId, tenant } = owner;
  const own = { murmur: 'true', 'murmur-installation': installation, 'murmur-tenant': tenant, 'murmur-run': runId, 'murmur-token': token };
  return Object.entries(own).map(([Key, Value]) => ({ Key, Value }));
}

function tagOf(tags: Tag[] | undefined, name: string): string {
  return tags?.find(({ Key }) => Key === `murmur-${name}`)?.Value ?? '';
}

function ownerOf(tags: Tag[] | undefined): Owner {
  return { installation: tagOf(tags, 'installation'), tenant: tagOf(tags, 'tenant'), runId: tagOf(tags, 'run') };
}

function isKept(tags: Tag[] | undefined): boolean {
  return tagOf(tags, 'kept') === 'true';
}

function tagged(name: string, value: string): Filter {
  return { Name: `tag:murmur-${name}`, Values: [value] };
}

function snapshotIds(ami: Ami): string[] {
  return (ami.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);
}

function artifactOf(site: Site, ami: Ami) {
  const id = ami.ImageId ?? '';
  const source = { case: 'aws' as const, value: create(AwsSourceSchema, { amiIds: { [placeOf(site).region]: id } }) };
  return { source, reference: { ami: id } };
}

/** Takes some errors for an answer. */
function unless(...known: readonly string[]): (error: unknown) => undefined {
  return (error) => {
    const cause = error instanceof PlatformFault ? error.cause : error;
    if (!known.includes(codeOf(cause))) throw error;
    return undefined;
  };
}
