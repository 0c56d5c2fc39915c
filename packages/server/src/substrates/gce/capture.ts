import { MurmurError } from '@murmur/api';

import { growingPause } from '../cloud/pauses.js';
import { type Artifact, type CaptureSpec, type Machine, PlatformFault } from '../substrate.js';
import { pathOf, type Disk, type Image, type Instance } from './api.js';
import type { Cloud } from './cloud.js';
import { codeOf, kindOf } from './faults.js';
import { artifactOf, readImage, removeImage } from './images.js';
import { capturedLabels, isCaptured, isKept, labelsOf, tokenOf } from './labels.js';
import { assertRuns, instancePath, watchMachine, zoneOf } from './machine.js';
import { placeOf } from './place.js';

/** So many images of one stopped machine may fail before the bake gets a fresh one. */
const mostFailed = 3;
/** The log hears of an image that takes its time this often. */
const tellMs = 5 * 60_000;
/** Google lets an image be made of one disk once in ten minutes. */
const rateMs = 15 * 60_000;

/**
 * Stops the machine and makes an image of its disk, or goes on with the one that was begun with the token: however long that
 * takes. Its name is taken once; whether what has it is ours is told by its labels and the disk it was made of.
 */
export async function captureMachine(cloud: Cloud, machine: Machine, spec: CaptureSpec, signal: AbortSignal): Promise<Artifact> {
  let reason = '';
  for (let failed = 0; failed < mostFailed; failed++) {
    const begun = await findImage(cloud, machine, spec, signal);
    if (begun === undefined) {
      reason = await beginImage(cloud, machine, spec, signal);
    }
    const ended = await waitForImage(cloud, machine, spec, signal);
    if (ended?.status === 'READY') return artifactOf(ended);
    if (reason === '') reason = ended === undefined ? 'it is gone' : 'Google does not say why';
    await spec.tell?.(`image ${spec.name} failed (${reason}); the same machine gets another one`);
    if (ended !== undefined) await removeImage(cloud, machine.site, ended, signal);
  }
  throw new PlatformFault(`${mostFailed} images of the machine failed: ${reason}`, { kind: 'image-failed' });
}

/** The image that was begun with the token. Another attempt's is removed from under the name; anybody else's is left alone. */
async function findImage(cloud: Cloud, { site }: Machine, spec: CaptureSpec, signal: AbortSignal): Promise<Image | undefined> {
  const found = await readImage(cloud, site, imagePath(site, spec), signal);
  if (found === undefined || tokenOf(found.labels) === spec.token) return found;
  const ours = labelsOf(spec.owner, spec.token);
  const isOurs = (['murmur-installation', 'murmur-tenant', 'murmur-run'] as const).every((name) => found.labels?.[name] === ours[name]);
  if (!isOurs || isKept(found.labels)) throw nameTaken(spec.name);
  await removeImage(cloud, site, found, signal);
  return undefined;
}

/** Stops the machine and asks for its image. Returns why it failed; nothing when it did not, or has not yet. */
async function beginImage(cloud: Cloud, machine: Machine, spec: CaptureSpec, signal: AbortSignal): Promise<string> {
  const { site } = machine;
  const { project, region } = placeOf(site);
  const instance = await stopMachine(cloud, machine, signal);
  const sourceDisk = pathOf(instance.disks?.find(({ boot }) => boot === true)?.source ?? '');
  const labels = labelsOf(spec.owner, spec.token);
  const body = { name: spec.name, description: 'Baked by Murmur', sourceDisk, labels, storageLocations: [region] };
  const pause = growingPause(cloud.times.room, 'jittered', signal);
  for (const until = Date.now() + rateMs; ; await pause()) {
    try {
      await cloud.places.of(site).perform(signal, { method: 'POST', path: `${project}/global/images`, body }, { how: 'patient' });
      return '';
    } catch (error) {
      if (['alreadyExists', 'RESOURCE_ALREADY_EXISTS'].includes(codeOf(error))) {
        const made = await findImage(cloud, machine, spec, signal);
        // Somebody else's machine may have been captured under the token's name: the disk tells.
        const disk = await cloud.places.of(site).ask<Disk>(signal, { method: 'GET', path: sourceDisk.replace(/^projects\//, '') });
        if (made !== undefined && made.sourceDiskId !== disk.id) throw nameTaken(spec.name);
        if (made !== undefined) return '';
      } else if ((await readImage(cloud, site, imagePath(site, spec), signal)) !== undefined) {
        // It was accepted and ended badly; what is there says the rest.
        return error instanceof Error ? error.message : String(error);
      } else if (kindOf(error) !== 'slow-down' || Date.now() > until) throw error;
    }
  }
}

/** Looks at an image until it is whole, has failed or is gone. */
async function waitForImage(cloud: Cloud, { site }: Machine, spec: CaptureSpec, signal: AbortSignal): Promise<Image | undefined> {
  const pause = growingPause(cloud.times.image, 'even', signal);
  for (let told = Date.now(); ; await pause()) {
    const image = await readImage(cloud, site, imagePath(site, spec), signal);
    if (image === undefined || image.status === 'READY' || image.status === 'FAILED') return image;
    if (Date.now() - told < tellMs) continue;
    told = Date.now();
    await spec.tell?.(`Google is still making image ${spec.name}`);
  }
}

/**
 * Stops the machine, which takes the login out of it as it goes down. The label says that the stop was asked for: a machine that
 * was found stopped without it was lost in the middle of something.
 */
async function stopMachine(cloud: Cloud, machine: Machine, signal: AbortSignal): Promise<Instance> {
  const compute = cloud.places.of(machine.site);
  const path = instancePath(machine.site, zoneOf(machine), machine.token);
  return watchMachine(cloud, machine, signal, async (instance) => {
    const isStopped = instance.status === 'TERMINATED' || instance.status === 'STOPPED';
    if (isStopped && isCaptured(instance.labels)) return instance;
    if (instance.status === 'STOPPING' && isCaptured(instance.labels)) return undefined;
    await assertRuns(cloud, machine, instance, signal);
    if (!isCaptured(instance.labels)) {
      const body = { labels: { ...instance.labels, ...capturedLabels }, labelFingerprint: instance.labelFingerprint ?? '' };
      try {
        await compute.perform(signal, { method: 'POST', path: `${path}/setLabels`, body });
      } catch (error) {
        // Somebody else changed them meanwhile: look again.
        if (codeOf(error) !== 'conditionNotMet' && codeOf(error) !== 'CONDITION_NOT_MET') throw error;
        return undefined;
      }
    }
    await compute.perform(signal, { method: 'POST', path: `${path}/stop` }, { how: 'patient' });
    return undefined;
  });
}

function imagePath(site: Machine['site'], { name }: CaptureSpec): string {
  return `projects/${placeOf(site).project}/global/images/${name}`;
}

function nameTaken(name: string): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', `image name "${name}" is already taken in the project`, {
    hint: 'Delete that image, or bake with --force-new.',
  });
}
