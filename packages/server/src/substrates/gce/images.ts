import { create } from '@bufbuild/protobuf';
import { GceSourceSchema, MurmurError, type Image as CatalogImage } from '@murmur/api';

import { growingPause } from '../cloud/pauses.js';
import type { Artifact, Handle, ResolvedBase, Site } from '../substrate.js';
import { pathOf, type Image } from './api.js';
import type { Cloud } from './cloud.js';
import { codeOf, unless } from './faults.js';
import { isKept, keptLabels } from './labels.js';

/** An image by its path `projects/…`, also one of a family; undefined where there is none. */
export function readImage(cloud: Cloud, site: Site, path: string, signal: AbortSignal): Promise<Image | undefined> {
  const call = { method: 'GET', path: path.replace(/^projects\//, '') } as const;
  return cloud.places.of(site).ask<Image>(signal, call).catch(unless('notFound'));
}

/** What an image is pinned by: where it is, and the number that no other image will ever have. */
export function pinOf(immutableId: string): { readonly path: string; readonly id: string } {
  const [path = '', id = ''] = immutableId.split('@');
  return { path, id };
}

/** Pins an image, or the newest one of a family. */
export async function resolveImage(cloud: Cloud, site: Site, image: CatalogImage, signal: AbortSignal): Promise<ResolvedBase> {
  const link = image.source.case === 'gce' ? image.source.value.selfLink : '';
  const found = link === '' ? undefined : await readImage(cloud, site, link, signal);
  const refuse = (why: string, hint: string) => new MurmurError('FAILED_PRECONDITION', `image "${image.name}": ${link} ${why}`, { hint });
  if (found === undefined) throw refuse('is not there, or may not be read', 'Check its gce.self_link and who may read the project.');
  if (found.status !== 'READY') throw refuse(`is ${found.status}`, 'Wait until it is READY, or take another image.');
  const state = found.deprecated?.state;
  if (state === 'OBSOLETE' || state === 'DELETED') throw refuse(`is ${state}`, 'Take the image that replaces it.');
  const size = Number(found.diskSizeGb);
  return {
    immutableId: `${pathOf(found.selfLink)}@${found.id}`,
    architecture: found.architecture === 'ARM64' ? 'ARM64' : 'AMD64',
    ...(size > 0 ? { minimumDiskGb: size } : {}),
  };
}

/** What the catalog gets of an image, and what finds it again. */
export function artifactOf({ id, selfLink }: Image): Artifact {
  const path = pathOf(selfLink);
  return { source: { case: 'gce', value: create(GceSourceSchema, { selfLink: path }) }, reference: { selfLink: path, id } };
}

/** The image of a reference; undefined where it is gone, also when another one has its name. */
async function imageOf(cloud: Cloud, site: Site, { id, selfLink }: Handle, signal: AbortSignal): Promise<Image | undefined> {
  const found = await readImage(cloud, site, String(selfLink as string), signal);
  return found?.id === id ? found : undefined;
}

/** Whether an image can be started. Google has nothing cheaper or more thorough to ask. */
export async function imageExists(cloud: Cloud, site: Site, reference: Handle, signal: AbortSignal): Promise<boolean> {
  const found = await imageOf(cloud, site, reference, signal);
  return found?.status === 'READY' && !['OBSOLETE', 'DELETED'].includes(found.deprecated?.state ?? '');
}

/** Labels an image as kept. */
export async function keepImage(cloud: Cloud, site: Site, reference: Handle, signal: AbortSignal): Promise<void> {
  for (;;) {
    const found = await imageOf(cloud, site, reference, signal);
    if (found === undefined || isKept(found.labels)) return;
    const body = { labels: { ...found.labels, ...keptLabels }, labelFingerprint: found.labelFingerprint ?? '' };
    const path = `${imageCallPath(found)}/setLabels`;
    try {
      return await cloud.places.of(site).perform(signal, { method: 'POST', path, body });
    } catch (error) {
      // Somebody else changed them meanwhile: read again.
      if (codeOf(error) !== 'conditionNotMet' && codeOf(error) !== 'CONDITION_NOT_MET') throw error;
    }
  }
}

/** Removes an image, unless another one has its name by now. */
export async function discardImage(cloud: Cloud, site: Site, reference: Handle, signal: AbortSignal): Promise<void> {
  const found = await imageOf(cloud, site, reference, signal);
  if (found !== undefined) await removeImage(cloud, site, found, signal);
}

/** Removes an image, also one that is still being made, and waits until its name is free. */
export async function removeImage(cloud: Cloud, site: Site, image: Image, signal: AbortSignal): Promise<void> {
  const pause = growingPause(cloud.times.image, 'even', signal);
  for (;;) {
    const found = await readImage(cloud, site, pathOf(image.selfLink), signal);
    if (found === undefined || found.id !== image.id) return;
    try {
      await cloud.places.of(site).perform(signal, { method: 'DELETE', path: imageCallPath(image) }, { how: 'patient' });
    } catch (error) {
      if (!['notFound', 'RESOURCE_NOT_FOUND'].includes(codeOf(error))) throw error;
    }
    await pause();
  }
}

function imageCallPath({ selfLink }: Image): string {
  return pathOf(selfLink).replace(/^projects\//, '');
}
