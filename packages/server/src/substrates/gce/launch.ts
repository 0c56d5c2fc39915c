import { createHash } from 'node:crypto';

import { MurmurError } from '@murmur/api';

import { growingPause } from '../cloud/pauses.js';
import { type LaunchSpec, type Machine, PlatformFault, type Site, type Token } from '../substrate.js';
import { lastOf, pathOf, type Disk, type Image, type Instance } from './api.js';
import type { Cloud } from './cloud.js';
import { codeOf } from './faults.js';
import { pinOf, readImage } from './images.js';
import { labelsOf, tokenOf } from './labels.js';
import { instancePath, instancesOf, machineFrom, readInstance } from './machine.js';
import { placeOf } from './place.js';
import { loginUser } from './reach.js';

/** So often every zone is tried before the bake gets a fresh attempt. */
const mostRounds = 2;
/** Google's limits for a machine that ends by itself. */
const [shortestSeconds, longestSeconds] = [30, 120 * 24 * 3600];

/** Starts a machine in the first zone that has room, or finds the one that was started with the token. */
export async function launchMachine(cloud: Cloud, spec: LaunchSpec, token: Token, signal: AbortSignal): Promise<Machine> {
  const { site } = spec;
  const [before] = await instancesOf(cloud, site, token, signal);
  if (before !== undefined) return checked(cloud, spec, token, before, signal);
  const base = await baseOf(cloud, spec, signal);
  const pause = growingPause(cloud.times.room, 'even', signal);
  let full: PlatformFault | undefined;
  for (let round = 0; round < mostRounds; round++) {
    if (round > 0) await pause();
    for (const zone of turned(placeOf(site).zones, spec.attempt - 1)) {
      try {
        const made = await launchIn(cloud, spec, base, token, zone, round, signal);
        return await checked(cloud, spec, token, made, signal);
      } catch (error) {
        if (!(error instanceof PlatformFault) || error.kind !== 'no-room') throw error;
        full = error;
        await emptyZone(cloud, site, token, zone, signal);
      }
    }
  }
  throw full ?? new PlatformFault('the placement has no zone', { kind: 'refused' });
}

async function launchIn(
  cloud: Cloud,
  spec: LaunchSpec,
  base: Image,
  token: Token,
  zone: string,
  round: number,
  signal: AbortSignal,
): Promise<Instance> {
  const { site } = spec;
  const call = {
    method: 'POST',
    path: `${placeOf(site).project}/zones/${zone}/instances`,
    body: insertRequest(spec, base, token, zone),
  } as const;
  try {
    // The same request is the same machine, also for a server that died and came back.
    await cloud.places.of(site).perform(signal, call, { requestId: requestIdOf(`${token} ${zone} ${round}`) });
  } catch (error) {
    if (!['alreadyExists', 'RESOURCE_ALREADY_EXISTS'].includes(codeOf(error))) throw error;
  }
  const made = await readInstance(cloud, site, zone, token, signal);
  if (made === undefined) throw new PlatformFault(`the machine went before it was seen in zone ${zone}`);
  if (tokenOf(made.labels) === token && made.labels?.['murmur-installation'] === labelsOf(spec.owner, token)['murmur-installation'])
    return made;
  throw new MurmurError('FAILED_PRECONDITION', `instance name "${token}" is already taken in zone ${zone}`, {
    hint: 'Another program made it. Remove it, and bake again.',
  });
}

/** A zone is left for the next one only when nothing of ours is in it. */
async function emptyZone(cloud: Cloud, site: Site, token: Token, zone: string, signal: AbortSignal): Promise<void> {
  const left = await readInstance(cloud, site, zone, token, signal);
  if (left === undefined || tokenOf(left.labels) !== token) return;
  await deleteInstance(cloud, site, left, signal);
}

/** Deletes an instance with its disk, and waits for that. Gone already is success. */
export async function deleteInstance(cloud: Cloud, site: Site, { name, zone }: Instance, signal: AbortSignal): Promise<void> {
  const call = { method: 'DELETE', path: instancePath(site, lastOf(zone), name) } as const;
  try {
    await cloud.places.of(site).perform(signal, call, { how: 'patient' });
  } catch (error) {
    if (!['notFound', 'RESOURCE_NOT_FOUND'].includes(codeOf(error))) throw error;
  }
}

/** The base image as it is now, which has to be the one that was pinned: a name can be deleted and made again. */
async function baseOf(cloud: Cloud, { base, site }: LaunchSpec, signal: AbortSignal): Promise<Image> {
  const { id, path } = pinOf(base.immutableId);
  const found = await readImage(cloud, site, path, signal);
  if (found === undefined) throw new PlatformFault(`${path} is not there`, { kind: 'refused' });
  if (found.id !== id) throw replaced(path);
  return found;
}

/** A machine that started from the pinned image and ends by itself; any other is removed. */
async function checked(cloud: Cloud, spec: LaunchSpec, token: Token, instance: Instance, signal: AbortSignal): Promise<Machine> {
  const { site } = spec;
  const { id, path } = pinOf(spec.base.immutableId);
  const link = instance.disks?.find(({ boot }) => boot === true)?.source ?? '';
  const disk = await cloud.places.of(site).ask<Disk>(signal, { method: 'GET', path: pathOf(link).replace(/^projects\//, '') });
  if (disk.sourceImageId !== id) {
    await deleteInstance(cloud, site, instance, signal);
    throw replaced(path);
  }
  const isStarted = instance.status === 'RUNNING';
  const endsItself =
    instance.scheduling?.instanceTerminationAction === 'DELETE' &&
    (!isStarted || instance.resourceStatus?.scheduling?.terminationTimestamp !== undefined);
  if (!endsItself) {
    await deleteInstance(cloud, site, instance, signal);
    throw new PlatformFault('Google started a machine without the time limit that was asked for', { kind: 'refused' });
  }
  return machineFrom(site, token, instance);
}

function replaced(path: string): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', `image ${path} was replaced by another one under its name`, {
    hint: 'Bake again: the recipe is then baked on the image that is there now.',
  });
}

/** A list that begins elsewhere: a zone that had a machine only for a moment is not the next attempt's first. */
function turned<T>(list: readonly T[], by: number): readonly T[] {
  const start = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

/** A UUID made of a name (RFC 9562, version 5), in a namespace of our own. */
function requestIdOf(name: string): string {
  const hash = createHash('sha1').update('murmur request ').update(name).digest().subarray(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function insertRequest(spec: LaunchSpec, base: Image, token: Token, zone: string): object {
  const { project, publicIp, serviceAccount, subnetwork } = placeOf(spec.site);
  const labels = labelsOf(spec.owner, token);
  const zonePath = `projects/${project}/zones/${zone}`;
  const seconds = Math.min(longestSeconds, Math.max(shortestSeconds, Math.ceil(spec.lifetimeSeconds)));
  const diskType = spec.diskType === '' ? 'pd-balanced' : spec.diskType;
  const isBootedByUefi = base.guestOsFeatures?.some(({ type }) => type === 'UEFI_COMPATIBLE') === true;
  const metadata = {
    // Root cannot log in to Google's images; this user may become root.
    'ssh-keys': `${loginUser}:${spec.keys.clientPublic} ${loginUser}`,
    'enable-oslogin': 'FALSE',
    'block-project-ssh-keys': 'TRUE',
    'enable-guest-attributes': 'TRUE',
  };
  return {
    name: token,
    description: 'Bakes an image; goes by itself.',
    labels,
    machineType: `${zonePath}/machineTypes/${spec.machineType === '' ? 'e2-medium' : spec.machineType}`,
    disks: [
      {
        boot: true,
        autoDelete: true,
        initializeParams: {
          sourceImage: pathOf(base.selfLink),
          diskType: `${zonePath}/diskTypes/${diskType}`,
          ...(spec.diskSizeGb > 0 ? { diskSizeGb: String(spec.diskSizeGb) } : {}),
          labels,
        },
      },
    ],
    networkInterfaces: [
      {
        ...(subnetwork === '' ? { network: `projects/${project}/global/networks/default` } : { subnetwork }),
        ...(publicIp ? { accessConfigs: [{ type: 'ONE_TO_ONE_NAT', name: 'External NAT' }] } : {}),
      },
    ],
    metadata: { items: Object.entries(metadata).map(([key, value]) => ({ key, value })) },
    scheduling: {
      provisioningModel: 'STANDARD',
      automaticRestart: false,
      maxRunDuration: { seconds: String(seconds) },
      instanceTerminationAction: 'DELETE',
    },
    ...(isBootedByUefi ? { shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true } } : {}),
    ...(serviceAccount === ''
      ? {}
      : { serviceAccounts: [{ email: serviceAccount, scopes: ['https://www.googleapis.com/auth/cloud-platform'] }] }),
  };
}
