import { found, type Call } from '../call.js';
import { ApiError } from '../errors.js';
import { isSeen } from '../listing.js';
import { count, flag, list, required, structures, tagsFor, within, type Parameters } from '../parameters.js';
import { newId, newThing, type Instance, type Subnet, type Volume, type World } from '../world.js';

/** EC2's limit for user-data, before it is encoded. */
const userDataBytes = 16 * 1024;

/** Starts machines, once for each token in a zone. */
export const runInstances = {
  parameters: [
    ...[
      'BlockDeviceMapping',
      'ClientToken',
      'CpuOptions',
      'CreditSpecification',
      'DisableApiTermination',
      'EbsOptimized',
      'IamInstanceProfile',
    ],
    ...['ImageId', 'InstanceInitiatedShutdownBehavior', 'InstanceType', 'KeyName', 'MaxCount', 'MetadataOptions', 'MinCount', 'Monitoring'],
    ...['NetworkInterface', 'Placement', 'SecurityGroupId', 'SubnetId', 'TagSpecification', 'UserData'],
  ],
  async run(call: Call): Promise<readonly Instance[]> {
    const { machines, parameters, settings, world } = call;
    const address = await machines.newAddress();
    // From here to the last line nothing waits, so that two requests with one token cannot both find it unused.
    const subnet = subnetOf(world, parameters);
    const token = parameters.get('ClientToken') ?? newId('token');
    if (!/^[\x20-\x7e]{1,64}$/.test(token))
      throw new ApiError('InvalidParameterValue', 'The client token is invalid: at most 64 ASCII characters');
    const request = JSON.stringify(
      [...parameters].filter(([name]) => !['ClientToken', 'Version'].includes(name)).sort(([a], [b]) => a.localeCompare(b)),
    );
    const before = world.tokens.get(`${subnet.zone}:${token}`);
    if (before !== undefined) return again(world, before.instanceIds, before.request === request);
    if (settings.fullZones.includes(subnet.zone)) {
      throw new ApiError(
        'InsufficientInstanceCapacity',
        `We currently do not have sufficient capacity in the Availability Zone you requested (${subnet.zone}).`,
        500,
      );
    }
    const alive = [...world.instances.values()].filter(({ state }) => state !== 'terminated').length;
    if (alive >= settings.instanceQuota)
      throw new ApiError(
        'VcpuLimitExceeded',
        `You have requested more vCPU capacity than your current vCPU limit of ${settings.instanceQuota} allows.`,
      );
    const instance = newInstance(call, subnet, token, address);
    world.tokens.set(`${subnet.zone}:${token}`, { request, instanceIds: [instance.id] });
    world.instances.set(instance.id, instance);
    world.volumes.set(instance.volume.id, instance.volume);
    world.interfaces.set(instance.networkInterface.id, instance.networkInterface);
    void machines.launch(world, instance).catch((error: unknown) => {
      const message = `Server.InternalError: ${String(error)}`;
      return machines.terminate(world, instance, { code: 'Server.InternalError', message });
    });
    return [instance];
  },
};

function again(world: World, ids: readonly string[], same: boolean): readonly Instance[] {
  if (!same) throw new ApiError('IdempotentParameterMismatch', 'The client token was used before with other parameters.');
  const instances = ids.flatMap((id) => world.instances.get(id) ?? []);
  if (instances.length === 0 || instances.some(({ state }) => state === 'terminated' || state === 'shutting-down')) {
    throw new ApiError('IdempotentInstanceTerminated', 'The client token is of an instance that has been terminated.');
  }
  return instances;
}

function newInstance(call: Call, subnet: Subnet, clientToken: string, address: string): Instance {
  const { clock, parameters, world } = call;
  const image = found(world.images, required(parameters, 'ImageId'), 'InvalidAMIID.NotFound');
  if (!isSeen(image, call)) throw new ApiError('InvalidAMIID.NotFound', `The image id '[${image.id}]' does not exist`);
  if (image.state !== 'available')
    throw new ApiError('InvalidAMIID.Unavailable', `The image ID '${image.id}' is not available (it is ${image.state}).`);
  if (required(parameters, 'MinCount') !== '1' || required(parameters, 'MaxCount') !== '1') {
    throw new ApiError('InvalidParameterValue', 'The emulator starts one instance at a time');
  }
  const type = parameters.get('InstanceType') ?? 'm1.small';
  const card = structures(parameters, 'NetworkInterface')[0];
  const groupIds = [...list(parameters, 'SecurityGroupId'), ...(card === undefined ? [] : list(card, 'SecurityGroupId'))];
  for (const id of groupIds) found(world.groups, id, 'InvalidGroup.NotFound');
  const keyName = parameters.get('KeyName');
  if (keyName !== undefined) found(world.keys, keyName, 'InvalidKeyPair.NotFound');
  const onShutdown = parameters.get('InstanceInitiatedShutdownBehavior') === 'terminate' ? 'terminate' : 'stop';
  const userData = Buffer.from(parameters.get('UserData') ?? '', 'base64');
  if (userData.length > userDataBytes) throw new ApiError('InvalidParameterValue', 'User data is limited to 16384 bytes');
  const thing = newThing(clock, 'i', tagsFor(parameters, 'instance'));
  const options = within(parameters, 'MetadataOptions');
  return {
    ...thing,
    imageId: image.id,
    type,
    keyName,
    subnet,
    groupIds: groupIds.length > 0 ? groupIds : [...world.groups.keys()].slice(0, 1),
    address,
    // A default subnet gives one unless it is declined.
    publicAddress: card === undefined ? true : (flag(card, 'AssociatePublicIpAddress') ?? true),
    clientToken,
    onShutdown,
    tokensRequired: options.get('HttpTokens') === 'required',
    hopLimit: count(options, 'HttpPutResponseHopLimit') ?? 1,
    userData,
    profileArn: within(parameters, 'IamInstanceProfile').get('Arn'),
    boot: image.boot,
    volume: newVolume(call, { zone: subnet.zone, instanceId: thing.id, ...image }),
    networkInterface: { ...newThing(clock, 'eni', tagsFor(parameters, 'network-interface')), subnet, instanceId: thing.id, address },
    state: 'pending',
    reason: undefined,
    machine: undefined,
    endedAt: undefined,
  };
}

function newVolume(
  { clock, machines, parameters, settings: { rootDevice } }: Call,
  from: { readonly zone: string; readonly instanceId: string; readonly sizeGb: number; readonly snapshotId: string },
): Volume {
  const mapping = structures(parameters, 'BlockDeviceMapping')[0];
  if (mapping !== undefined && mapping.get('DeviceName') !== rootDevice) {
    throw new ApiError('InvalidBlockDeviceMapping', `The image has one disk, ${rootDevice}`);
  }
  const ebs = within(mapping ?? new Map<string, string>(), 'Ebs');
  const sizeGb = count(ebs, 'VolumeSize') ?? from.sizeGb;
  if (sizeGb < from.sizeGb) {
    throw new ApiError(
      'InvalidBlockDeviceMapping',
      `Volume of size ${sizeGb}GB is smaller than snapshot '${from.snapshotId}', expect size >= ${from.sizeGb}GB`,
    );
  }
  const volumeType = ebs.get('VolumeType') ?? 'gp3';
  const [iops, throughput] = [count(ebs, 'Iops'), count(ebs, 'Throughput')];
  if (
    volumeType === 'gp3' &&
    ((iops ?? 3000) < 3000 || (iops ?? 3000) > 80_000 || (throughput ?? 125) < 125 || (throughput ?? 125) > 2000)
  ) {
    throw new ApiError('InvalidParameterValue', 'gp3 takes 3000 to 80000 IOPS and 125 to 2000 MiB/s');
  }
  const thing = newThing(clock, 'vol', tagsFor(parameters, 'volume'));
  return {
    ...thing,
    zone: from.zone,
    sizeGb,
    volumeType,
    encrypted: flag(ebs, 'Encrypted') ?? false,
    iops,
    throughput,
    snapshotId: from.snapshotId,
    file: machines.volumeFile(thing.id),
    deleteOnTermination: flag(ebs, 'DeleteOnTermination') ?? true,
    attachedTo: from.instanceId,
  };
}

function subnetOf(world: World, parameters: Parameters): Subnet {
  const card = structures(parameters, 'NetworkInterface')[0];
  const id = card?.get('SubnetId') ?? parameters.get('SubnetId');
  if (card !== undefined && (parameters.has('SubnetId') || list(parameters, 'SecurityGroupId').length > 0)) {
    throw new ApiError(
      'InvalidParameterCombination',
      'Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request',
    );
  }
  if (id !== undefined) return found(world.subnets, id, 'InvalidSubnetID.NotFound');
  const [first] = world.subnets.values();
  if (first === undefined) throw new ApiError('MissingInput', 'No subnets found for the default VPC');
  return first;
}
