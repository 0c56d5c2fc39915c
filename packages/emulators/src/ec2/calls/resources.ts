import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { deriveGuestKeys } from '@murmur/server/testing-machines';

import { found, listParameters, tagSet, time, type Action, type Actions } from '../call.js';
import { ApiError } from '../errors.js';
import { listThings, type Listing } from '../listing.js';
import { list, required, structures, tagsFor, tagsOf } from '../parameters.js';
import { newThing, type Thing, type Volume, type World } from '../world.js';

const volumeListing: Listing<Volume> = {
  what: 'volume',
  notFoundCode: 'InvalidVolume.NotFound',
  ids: 'VolumeId',
  fields: (volume) => ({
    'volume-id': volume.id,
    status: volume.attachedTo === undefined ? 'available' : 'in-use',
    size: volume.sizeGb,
    'volume-type': volume.volumeType,
    'snapshot-id': volume.snapshotId,
    'attachment.instance-id': volume.attachedTo,
    encrypted: volume.encrypted,
  }),
};

const describeVolumes: Action = {
  parameters: ['VolumeId', ...listParameters],
  run(call) {
    const { world } = call;
    const { items, nextToken } = listThings(world.volumes.values(), call, volumeListing);
    const volumeSet = items.map((volume) => ({
      volumeId: volume.id,
      size: volume.sizeGb,
      snapshotId: volume.snapshotId,
      availabilityZone: volume.zone,
      status: volume.attachedTo === undefined ? 'available' : 'in-use',
      createTime: time(volume.bornAt),
      attachmentSet: volume.attachedTo === undefined ? [] : [{ volumeId: volume.id, instanceId: volume.attachedTo, status: 'attached' }],
      volumeType: volume.volumeType,
      iops: volume.iops,
      throughput: volume.throughput,
      encrypted: volume.encrypted,
      tagSet: tagSet(volume.tags),
    }));
    return { volumeSet, nextToken };
  },
};

const deleteVolume: Action = {
  parameters: ['VolumeId'],
  async run({ machines, parameters, world }) {
    const volume = found(world.volumes, required(parameters, 'VolumeId'), 'InvalidVolume.NotFound');
    if (volume.attachedTo !== undefined)
      throw new ApiError('VolumeInUse', `Volume ${volume.id} is currently attached to ${volume.attachedTo}`);
    world.volumes.delete(volume.id);
    await machines.removeFile(volume.file);
    return { return: true };
  },
};

const changeTags = (change: (thing: Thing, tags: readonly (readonly [string, string])[]) => void): Action => ({
  parameters: ['ResourceId', 'Tag'],
  run({ parameters, world }) {
    const things = list(parameters, 'ResourceId').map((id) => anything(world, id));
    if (things.length === 0) required(parameters, 'ResourceId.1');
    const tags = tagsOf(parameters);
    for (const thing of things) change(thing, tags);
    return { return: true };
  },
});

const createKeyPair: Action = {
  parameters: ['KeyFormat', 'KeyName', 'KeyType', 'TagSpecification'],
  run({ clock, parameters, world }) {
    const name = newKeyName(world, required(parameters, 'KeyName'));
    const made = parameters.get('KeyType') === 'ed25519' ? ed25519Pair() : rsaPair();
    const key = { ...newThing(clock, 'key', tagsFor(parameters, 'key-pair')), name, publicKey: `${made.publicKey} ${name}` };
    world.keys.set(name, key);
    return { keyName: name, keyPairId: key.id, keyFingerprint: 'emulated', keyMaterial: made.privateKey, tagSet: tagSet(key.tags) };
  },
};

const importKeyPair: Action = {
  parameters: ['KeyName', 'PublicKeyMaterial', 'TagSpecification'],
  run({ clock, parameters, world }) {
    const name = newKeyName(world, required(parameters, 'KeyName'));
    const publicKey = Buffer.from(required(parameters, 'PublicKeyMaterial'), 'base64').toString().trim();
    if (!/^ssh-(rsa|ed25519) [A-Za-z0-9+/=]+( .*)?$/.test(publicKey))
      throw new ApiError('InvalidKey.Format', 'Key is not in valid OpenSSH public key format');
    const key = { ...newThing(clock, 'key', tagsFor(parameters, 'key-pair')), name, publicKey };
    world.keys.set(name, key);
    return { keyName: name, keyPairId: key.id, keyFingerprint: 'emulated', tagSet: tagSet(key.tags) };
  },
};

const describeKeyPairs: Action = {
  parameters: ['IncludePublicKey', 'KeyName', 'KeyPairId', 'Filter'],
  run(call) {
    const { parameters, world } = call;
    const names = list(parameters, 'KeyName');
    for (const name of names) found(world.keys, name, 'InvalidKeyPair.NotFound');
    const { items } = listThings(world.keys.values(), call, {
      what: 'key',
      notFoundCode: 'InvalidKeyPair.NotFound',
      ids: 'KeyPairId',
      fields: ({ id, name }) => ({ 'key-name': name, 'key-pair-id': id }),
    });
    const shown = items.filter(({ name }) => names.length === 0 || names.includes(name));
    return {
      keySet: shown.map(({ id, name, tags }) => ({ keyName: name, keyPairId: id, keyFingerprint: 'emulated', tagSet: tagSet(tags) })),
    };
  },
};

const deleteKeyPair: Action = {
  parameters: ['KeyName', 'KeyPairId'],
  run({ parameters, world }) {
    for (const key of world.keys.values()) {
      if (key.name === parameters.get('KeyName') || key.id === parameters.get('KeyPairId')) world.keys.delete(key.name);
    }
    return { return: true };
  },
};

/** The calls about disks, tags and keys. */
export const resourceActions: Actions = {
  DescribeVolumes: describeVolumes,
  DeleteVolume: deleteVolume,
  CreateTags: changeTags((thing, tags) => {
    if (new Set([...thing.tags.keys(), ...tags.map(([key]) => key)]).size > 50) throw new ApiError('TagLimitExceeded', 'At most 50 tags');
    for (const [key, value] of tags) thing.tags.set(key, value);
  }),
  DeleteTags: changeTags((thing, tags) => {
    for (const [key] of tags) thing.tags.delete(key);
  }),
  CreateKeyPair: createKeyPair,
  ImportKeyPair: importKeyPair,
  DescribeKeyPairs: describeKeyPairs,
  DeleteKeyPair: deleteKeyPair,
  DescribeTags: {
    parameters: listParameters,
    run({ parameters, world }) {
      const filters = structures(parameters, 'Filter').filter((filter) => filter.get('Name') === 'resource-id');
      const ids = filters.flatMap((filter) => list(filter, 'Value'));
      const things = ids.map((id) => anything(world, id));
      return { tagSet: things.flatMap(({ id, tags }) => [...tags].map(([key, value]) => ({ resourceId: id, key, value }))) };
    },
  },
};

/** Whatever has this id. */
function anything(world: World, id: string): Thing {
  const maps: ReadonlyMap<string, Thing>[] = [
    world.instances,
    world.volumes,
    world.interfaces,
    world.images,
    world.snapshots,
    world.groups,
    world.subnets,
  ];
  const thing = maps.map((map) => map.get(id)).find((one) => one !== undefined) ?? [...world.keys.values()].find((key) => key.id === id);
  if (thing === undefined) throw new ApiError('InvalidID', `The ID '${id}' is not valid`);
  return thing;
}

function newKeyName(world: World, name: string): string {
  if (world.keys.has(name)) throw new ApiError('InvalidKeyPair.Duplicate', `The keypair already exists: ${name}`);
  return name;
}

function ed25519Pair(): { publicKey: string; privateKey: string } {
  const { clientPrivate, clientPublic } = deriveGuestKeys(randomBytes(64));
  return { publicKey: clientPublic, privateKey: clientPrivate };
}

function rsaPair(): { publicKey: string; privateKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { e = '', n = '' } = publicKey.export({ format: 'jwk' });
  // RFC 4253, section 6.6: the name, the exponent and the modulus; a number whose first bit is set has a zero before it.
  const parts = [Buffer.from('ssh-rsa'), ...[e, n].map((part) => number(Buffer.from(part, 'base64url')))];
  const blob = Buffer.concat(parts.flatMap((part) => [length(part), part]));
  return { publicKey: `ssh-rsa ${blob.toString('base64')}`, privateKey: privateKey.export({ format: 'pem', type: 'pkcs1' }).toString() };
}

function number(bytes: Buffer): Buffer {
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
}

function length(part: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(part.length);
  return bytes;
}
