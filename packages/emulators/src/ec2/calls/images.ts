import { accountOf } from '../accounts.js';
import { found, listParameters, tagSet, time, type Action, type Actions, type Answer, type Call } from '../call.js';
import { ApiError } from '../errors.js';
import { askedBy } from '../iam/asked.js';
import { allows } from '../iam/policy.js';
import { isSeen, listThings, type Listing } from '../listing.js';
import { flag, list, required, tagsFor } from '../parameters.js';
import { newThing, type Image, type Snapshot } from '../world.js';
import type { XmlValue } from '../xml.js';

const imageListing: Listing<Image> = {
  what: 'image',
  notFoundCode: 'InvalidAMIID.NotFound',
  ids: 'ImageId',
  fields: (image) => ({
    'image-id': image.id,
    name: image.name,
    state: image.state,
    architecture: 'x86_64',
    'is-public': false,
    'image-type': 'machine',
    'root-device-type': 'ebs',
    'virtualization-type': 'hvm',
    'source-instance-id': image.sourceInstanceId,
    'block-device-mapping.snapshot-id': image.snapshotId,
  }),
};

const snapshotListing: Listing<Snapshot> = {
  what: 'snapshot',
  notFoundCode: 'InvalidSnapshot.NotFound',
  ids: 'SnapshotId',
  fields: (snapshot) => ({
    'snapshot-id': snapshot.id,
    'volume-id': snapshot.volumeId,
    'volume-size': snapshot.sizeGb,
    status: snapshot.state,
    encrypted: snapshot.encrypted,
    description: snapshot.description,
  }),
};

const describeImages: Action = {
  parameters: ['ExecutableBy', 'ImageId', 'IncludeDeprecated', 'IncludeDisabled', 'Owner', ...listParameters],
  run(call) {
    const { world } = call;
    const wanted = [...world.images.values()].filter((image) => ownersWant(call, image));
    const { items, nextToken } = listThings(wanted, call, imageListing);
    return { imagesSet: items.map((image) => describeImage(call, image)), nextToken };
  },
};

const createImage: Action = {
  parameters: ['BlockDeviceMapping', 'Description', 'InstanceId', 'Name', 'NoReboot', 'TagSpecification'],
  run({ clock, machines, parameters, settings, world }) {
    const instance = found(world.instances, required(parameters, 'InstanceId'), 'InvalidInstanceID.NotFound');
    const name = required(parameters, 'Name');
    if (!/^[\w ()./'@[\]-]{3,128}$/.test(name)) {
      throw new ApiError(
        'InvalidAMIName.Malformed',
        "AMI names must be between 3 and 128 characters long, and may contain letters, numbers and ( ) . / - _ ' @ [ ]",
      );
    }
    const namesake = [...world.images.values()].find((image) => image.name === name);
    if (namesake !== undefined) {
      throw new ApiError('InvalidAMIName.Duplicate', `AMI name ${name} is already in use by AMI ${namesake.id}`);
    }
    if (instance.state !== 'running' && instance.state !== 'stopped') {
      throw new ApiError('IncorrectInstanceState', `Instance '${instance.id}' is not 'running' or 'stopped'.`);
    }
    if (world.snapshots.size >= settings.snapshotQuota) {
      throw new ApiError(
        'SnapshotLimitExceeded',
        `Maximum allowed in-progress snapshots or total snapshots (${settings.snapshotQuota}) exceeded.`,
      );
    }
    const thing = newThing(clock, 'snap', tagsFor(parameters, 'snapshot'));
    const image: Image = {
      ...newThing(clock, 'ami', tagsFor(parameters, 'image')),
      name,
      description: parameters.get('Description') ?? '',
      sourceInstanceId: instance.id,
      snapshotId: thing.id,
      sizeGb: instance.volume.sizeGb,
      boot: instance.boot,
      state: 'pending',
      reason: undefined,
    };
    const snapshot: Snapshot = {
      ...thing,
      volumeId: instance.volume.id,
      sizeGb: instance.volume.sizeGb,
      encrypted: instance.volume.encrypted,
      description: `Created by CreateImage(${instance.id}) for ${image.id}`,
      file: machines.snapshotFile(thing.id),
      state: 'pending',
    };
    world.images.set(image.id, image);
    world.snapshots.set(snapshot.id, snapshot);
    void machines.capture(world, instance, image, snapshot, flag(parameters, 'NoReboot') === true ? 'no-reboot' : 'reboot');
    return { imageId: image.id };
  },
};

const deregisterImage: Action = {
  parameters: ['DeleteAssociatedSnapshots', 'ImageId'],
  async run(call) {
    const { clock, machines, parameters, settings, world } = call;
    const id = required(parameters, 'ImageId');
    const image = world.images.get(id);
    if (image === undefined || !isSeen(image, call))
      throw new ApiError('InvalidAMIID.Unavailable', `The image ID '${id}' is no longer available`);
    world.images.delete(id);
    const snapshot = world.snapshots.get(image.snapshotId);
    if (snapshot !== undefined) snapshot.heldUntil = clock.now() + settings.snapshotHeldMs;
    if (flag(parameters, 'DeleteAssociatedSnapshots') !== true || snapshot === undefined) return { return: true };
    if (!isAllowed(call, 'DeleteSnapshot', snapshot.id)) return deletedWith(snapshot.id, 'missing-permissions');
    world.snapshots.delete(snapshot.id);
    await machines.removeFile(snapshot.file);
    return deletedWith(snapshot.id, 'success');
  },
};

const describeSnapshots: Action = {
  parameters: ['Owner', 'RestorableBy', 'SnapshotId', ...listParameters],
  run(call) {
    const { accounts, world } = call;
    const { items, nextToken } = listThings(ownersWantUs(call) ? world.snapshots.values() : [], call, snapshotListing);
    const snapshotSet = items.map((snapshot) => ({
      snapshotId: snapshot.id,
      volumeId: snapshot.volumeId,
      status: snapshot.state,
      startTime: time(snapshot.bornAt),
      progress: snapshot.state === 'completed' ? '100%' : '40%',
      ownerId: accounts.accountId,
      volumeSize: snapshot.sizeGb,
      description: snapshot.description,
      encrypted: snapshot.encrypted,
      tagSet: tagSet(snapshot.tags),
    }));
    return { snapshotSet, nextToken };
  },
};

const deleteSnapshot: Action = {
  parameters: ['SnapshotId'],
  async run({ clock, machines, parameters, world }) {
    const snapshot = found(world.snapshots, required(parameters, 'SnapshotId'), 'InvalidSnapshot.NotFound');
    const user = [...world.images.values()].find(({ snapshotId }) => snapshotId === snapshot.id);
    if (user !== undefined || (snapshot.heldUntil ?? 0) > clock.now()) {
      const message = `The snapshot ${snapshot.id} is currently in use by ${user?.id ?? 'an image'}`;
      throw new ApiError('InvalidSnapshot.InUse', message);
    }
    world.snapshots.delete(snapshot.id);
    await machines.removeFile(snapshot.file);
    return { return: true };
  },
};

/** The calls about images and the snapshots behind them. */
export const imageActions: Actions = {
  DescribeImages: describeImages,
  CreateImage: createImage,
  DeregisterImage: deregisterImage,
  DescribeSnapshots: describeSnapshots,
  DeleteSnapshot: deleteSnapshot,
};

function deletedWith(snapshotId: string, returnCode: 'success' | 'missing-permissions'): Answer {
  return { return: true, deleteSnapshotResultSet: [{ snapshotId, returnCode }] };
}

/** Whether the caller may do this to that snapshot as well. */
function isAllowed({ caller, world }: Call, action: string, snapshotId: string): boolean {
  const { policy } = caller;
  const asked = askedBy(action, new Map([['SnapshotId', snapshotId]]), world, accountOf(caller.arn));
  return policy === undefined || asked.every((one) => allows(policy, one));
}

/** Whether an image is among those that a list of owners, where there is one, asks for. */
function ownersWant(call: Call, { publishedBy }: Image): boolean {
  const owners = list(call.parameters, 'Owner');
  return publishedBy === undefined ? ownersWantUs(call) : owners.length === 0 || owners.includes(publishedBy);
}

/** Whether a list of owners, where there is one, has this account in it. */
function ownersWantUs({ accounts, parameters }: Call): boolean {
  const owners = list(parameters, 'Owner');
  return owners.length === 0 || owners.includes('self') || owners.includes(accounts.accountId);
}

function describeImage({ accounts, settings, world }: Call, image: Image): XmlValue {
  const snapshot = world.snapshots.get(image.snapshotId);
  const deleted = { volumeSize: image.sizeGb, deleteOnTermination: true, volumeType: 'gp3', encrypted: snapshot?.encrypted ?? false };
  return {
    imageId: image.id,
    imageLocation: `${accounts.accountId}/${image.name}`,
    imageState: image.state,
    imageOwnerId: image.publishedBy ?? accounts.accountId,
    isPublic: false,
    architecture: 'x86_64',
    imageType: 'machine',
    name: image.name,
    description: image.description,
    rootDeviceType: 'ebs',
    rootDeviceName: settings.rootDevice,
    blockDeviceMapping: [
      // The snapshot's id comes when the image is whole.
      { deviceName: settings.rootDevice, ebs: image.state === 'available' ? { snapshotId: image.snapshotId, ...deleted } : deleted },
    ],
    virtualizationType: 'hvm',
    hypervisor: 'xen',
    enaSupport: true,
    creationDate: time(image.bornAt),
    sourceInstanceId: image.sourceInstanceId,
    stateReason: image.reason === undefined ? undefined : { code: 'Server.InternalError', message: image.reason },
    tagSet: tagSet(image.tags),
  };
}
