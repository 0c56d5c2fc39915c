import type { Image as Ami, Snapshot } from '@aws-sdk/client-ec2';
import { create } from '@bufbuild/protobuf';
import { AwsSourceSchema, type Image, MurmurError } from '@murmur/api';

import type { Artifact, ExistenceCheck, Handle, ResolvedBase, Site, Token } from '../substrate.js';
import type { Cloud } from './cloud.js';
import { rootSizeOf } from './disk.js';
import { unless } from './faults.js';
import { listsOf, withIds } from './lists.js';
import { placeOf } from './place.js';
import { keptTag, tagged, tagOf } from './tags.js';

/** An AMI, whoever's it is; undefined where there is none, or none that the account may use. */
export function readBase(cloud: Cloud, id: string, site: Site, token: Token | undefined, signal: AbortSignal): Promise<Ami | undefined> {
  return cloud.accounts
    .of(site, token)
    .ask(signal, (client) => client.send(new cloud.ec2.DescribeImagesCommand({ ImageIds: [id] })))
    .then(({ Images: [ami] = [] }) => ami)
    .catch(unless('InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable', 'InvalidAMIID.Malformed'));
}

/** Pins an image to its AMI in the site's region. */
export async function resolveAmi(cloud: Cloud, site: Site, image: Image, signal: AbortSignal): Promise<ResolvedBase> {
  const { accountId, region } = placeOf(site);
  const id = image.source.case === 'aws' ? image.source.value.amiIds[region] : undefined;
  if (id === undefined) {
    throw new MurmurError('FAILED_PRECONDITION', `image "${image.name}" has no AMI in region ${region}`, { hint: 'Bake it there.' });
  }
  const found = await readBase(cloud, id, site, undefined, signal);
  if (found?.State !== 'available') {
    const state = found?.State ?? `not there, or not shared with account ${accountId}`;
    throw new MurmurError('FAILED_PRECONDITION', `image "${image.name}": ${id} in region ${region} is ${state}`, {
      hint: 'Bake it there, or share the AMI with the account of the placement.',
    });
  }
  const size = rootSizeOf(found);
  const architecture = found.Architecture === 'arm64' ? 'ARM64' : 'AMD64';
  return { immutableId: id, architecture, ...(size === undefined ? {} : { minimumDiskGb: size }) };
}

/** What the catalog gets of an AMI: its id, in the one region where it is. */
export function artifactOf(site: Site, { ImageId: ami = '' }: Ami): Artifact {
  const source = { case: 'aws' as const, value: create(AwsSourceSchema, { amiIds: { [placeOf(site).region]: ami } }) };
  return { source, reference: { ami } };
}

/** Whether an AMI can be started: `thorough` looks also for all of its snapshots. */
export async function amiExists(cloud: Cloud, site: Site, { ami }: Handle, check: ExistenceCheck, signal: AbortSignal): Promise<boolean> {
  const lists = listsOf(cloud, site, undefined, signal);
  const [found] = await lists.images(withIds('image-id', [String(ami as string)]));
  if (found?.State !== 'available') return false;
  if (check === 'quick') return true;
  const ids = snapshotIds(found);
  const there = await lists.snapshots(withIds('snapshot-id', ids));
  return ids.length > 0 && ids.every((id) => there.some(({ SnapshotId, State }) => SnapshotId === id && State === 'completed'));
}

/** Tags an AMI and its snapshots as kept, in one call, after removing those of images that failed before it. */
export async function keepAmi(cloud: Cloud, site: Site, { ami }: Handle, signal: AbortSignal): Promise<void> {
  const lists = listsOf(cloud, site, undefined, signal);
  const [found] = await lists.images(withIds('image-id', [String(ami as string)]));
  if (found?.ImageId === undefined) return;
  const ids = snapshotIds(found);
  const token = tagOf(found.Tags, 'token');
  const others = token === '' ? [] : await lists.snapshots([tagged('token', token)]);
  for (const one of others) if (!ids.includes(one.SnapshotId ?? '')) await removeSnapshot(cloud, site, one, signal);
  const request = { Resources: [found.ImageId, ...ids], Tags: [keptTag] };
  await cloud.accounts.of(site).ask(signal, (client) => client.send(new cloud.ec2.CreateTagsCommand(request)), 'patient');
}

/** Removes an AMI with its snapshots. What a crash leaves of them is on the list of what is owned. */
export async function discardAmi(cloud: Cloud, site: Site, { ami }: Handle, signal: AbortSignal): Promise<void> {
  const [found] = await listsOf(cloud, site, undefined, signal).images(withIds('image-id', [String(ami as string)]));
  if (found !== undefined) await removeAmi(cloud, site, found, signal);
}

/** Deregisters an AMI and deletes the snapshots behind it, whose ids are not to be had afterwards. */
export async function removeAmi(cloud: Cloud, site: Site, ami: Ami, signal: AbortSignal): Promise<void> {
  const request = { ImageId: ami.ImageId, DeleteAssociatedSnapshots: true };
  await cloud.accounts
    .of(site)
    .ask(signal, (client) => client.send(new cloud.ec2.DeregisterImageCommand(request)))
    .catch(unless('InvalidAMIID.Unavailable', 'InvalidAMIID.NotFound'));
  for (const id of snapshotIds(ami)) await removeSnapshot(cloud, site, { SnapshotId: id }, signal);
}

/** Deletes a snapshot, which is in use for minutes after its image is gone. */
export async function removeSnapshot(cloud: Cloud, site: Site, { SnapshotId }: Snapshot, signal: AbortSignal): Promise<void> {
  const removal = new cloud.ec2.DeleteSnapshotCommand({ SnapshotId });
  await cloud.accounts.of(site).ask(signal, (client) => client.send(removal).catch(unless('InvalidSnapshot.NotFound')), 'patient');
}

/** The snapshots behind an AMI. */
export function snapshotIds({ BlockDeviceMappings = [] }: Ami): string[] {
  return BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);
}
