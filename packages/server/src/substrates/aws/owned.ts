import type { Image, Tag } from '@aws-sdk/client-ec2';

import { growingPause } from '../cloud/pauses.js';
import { type OwnedList, type OwnedThing, PlatformFault, type Site, type Token } from '../substrate.js';
import type { Cloud } from './cloud.js';
import { unless } from './faults.js';
import { removeAmi, removeSnapshot, snapshotIds } from './images.js';
import { type Lists, listsOf } from './lists.js';
import { isKept, ownerOf, tagged, tagOf } from './tags.js';

/**
 * Everything at a site that carries an installation's tags. What goes with something else is listed only once that is gone: disks
 * and interfaces without their machine, snapshots without their image. A list that AWS refuses leaves the rest incomplete.
 */
export async function listOwned(cloud: Cloud, site: Site, installation: string, signal: AbortSignal): Promise<OwnedList> {
  const lists = listsOf(cloud, site, undefined, signal);
  const refused: string[] = [];
  const read = async <T>(list: keyof Lists, asked: Promise<T[]>): Promise<T[]> => {
    try {
      return await asked;
    } catch (error) {
      if (!(error instanceof PlatformFault) || error.kind !== 'refused') throw error;
      refused.push(`the list of ${list} is refused: ${error.message}`);
      return [];
    }
  };
  const ours = [tagged('installation', installation)];
  // First what goes with others, so that whatever goes meanwhile is seen neither alone nor twice.
  const [volumes, interfaces, snapshots] = await Promise.all([
    read('volumes', lists.volumes(ours)),
    read('interfaces', lists.interfaces(ours)),
    read('snapshots', lists.snapshots(ours)),
  ]);
  const [instances, images] = await Promise.all([read('instances', lists.instances(ours)), read('images', lists.images(ours))]);
  if (refused.length === 5) throw new PlatformFault(refused.join('; '), { kind: 'refused' });
  const machines = instances.filter(({ State }) => State?.Name !== 'terminated');
  const withMachine = new Set(machines.map(({ Tags }) => tagOf(Tags, 'token')));
  // Which snapshots are behind an image is known once it is whole.
  const behindWhole = new Set(images.flatMap(snapshotIds));
  const inTheMaking = new Set(images.filter(({ State }) => State !== 'available').map(({ Tags }) => tagOf(Tags, 'token')));
  const things = [
    ...machines.map((one) => thing('machine', one.Tags, one.LaunchTime, { instanceId: one.InstanceId ?? '' })),
    ...images
      .filter(({ Tags }) => !isKept(Tags))
      .map((one) => thing('image', one.Tags, new Date(one.CreationDate ?? 0), { ami: one.ImageId ?? '' })),
    ...snapshots
      .filter(({ SnapshotId = '', Tags }) => !behindWhole.has(SnapshotId) && !inTheMaking.has(tagOf(Tags, 'token')))
      .map((one) => thing('snapshot', one.Tags, one.StartTime, { snapshotId: one.SnapshotId ?? '' })),
    ...volumes
      .filter(({ State, Tags }) => !withMachine.has(tagOf(Tags, 'token')) && State !== 'deleting' && State !== 'deleted')
      .map((one) => thing('disk', one.Tags, one.CreateTime, { volumeId: one.VolumeId ?? '' })),
    ...interfaces
      .filter(({ TagSet }) => !withMachine.has(tagOf(TagSet, 'token')))
      .map((one) => thing('interface', one.TagSet, undefined, { interfaceId: one.NetworkInterfaceId ?? '' })),
  ];
  return refused.length === 0 ? { things } : { things, incomplete: refused.join('; ') };
}

/** Terminates the machines of a token and waits for that; then removes what they left. */
export async function destroyAll(cloud: Cloud, site: Site, token: Token, signal: AbortSignal): Promise<void> {
  const account = cloud.accounts.of(site, token);
  const lists = listsOf(cloud, site, token, signal);
  const pause = growingPause(cloud.times.machine, 'even', signal);
  for (;;) {
    const left = (await lists.instances([tagged('token', token)])).filter(({ State }) => State?.Name !== 'terminated');
    if (left.length === 0) break;
    const ids = left.flatMap(({ InstanceId = '', State }) => (State?.Name === 'shutting-down' ? [] : [InstanceId]));
    const request = new cloud.ec2.TerminateInstancesCommand({ InstanceIds: ids });
    // Not seen yet, or gone already: the next look tells.
    if (ids.length > 0) await account.ask(signal, (client) => client.send(request)).catch(unless('InvalidInstanceID.NotFound'));
    await pause();
  }
  await removeRemains(cloud, site, token, signal);
}

async function removeRemains(cloud: Cloud, site: Site, token: Token, signal: AbortSignal): Promise<void> {
  const account = cloud.accounts.of(site, token);
  const lists = listsOf(cloud, site, token, signal);
  const its = [tagged('token', token)];
  const images = await lists.images(its);
  for (const one of images) if (!isKept(one.Tags)) await removeAmi(cloud, site, one, signal);
  const kept = images.filter(({ Tags }) => isKept(Tags));
  for (const one of await lists.snapshots(its)) if (!isOf(kept, one.SnapshotId)) await removeSnapshot(cloud, site, one, signal);
  // Most go with their machine. One that is still in use is on its way, or on the list of what is owned.
  for (const { State, VolumeId } of await lists.volumes(its)) {
    if (State !== 'available') continue;
    const request = new cloud.ec2.DeleteVolumeCommand({ VolumeId });
    await account.ask(signal, (client) => client.send(request)).catch(unless('InvalidVolume.NotFound', 'VolumeInUse'));
  }
  for (const { NetworkInterfaceId, Status } of await lists.interfaces(its)) {
    if (Status !== 'available') continue;
    const request = new cloud.ec2.DeleteNetworkInterfaceCommand({ NetworkInterfaceId });
    await account
      .ask(signal, (client) => client.send(request))
      .catch(unless('InvalidNetworkInterfaceID.NotFound', 'InvalidNetworkInterface.InUse'));
  }
}

function isOf(images: readonly Image[], snapshot: string | undefined): boolean {
  return images.some((image) => snapshotIds(image).some((id) => id === snapshot));
}

function thing(type: OwnedThing['type'], tags: Tag[] | undefined, createdAt: Date | undefined, handle: OwnedThing['handle']): OwnedThing {
  return { type, token: tagOf(tags, 'token') as Token, owner: ownerOf(tags), createdAt: createdAt?.getTime() ?? 0, handle };
}
