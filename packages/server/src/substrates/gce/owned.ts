import type { OwnedList, OwnedThing, Site, Token } from '../substrate.js';
import { lastOf, type AggregatedPage, type Disk, type Image, type Instance, type Labels, type Page } from './api.js';
import type { Cloud } from './cloud.js';
import { codeOf } from './faults.js';
import { removeImage } from './images.js';
import { isKept, labelled, ownerOf, tokenOf } from './labels.js';
import { deleteInstance } from './launch.js';
import { instancesOf } from './machine.js';
import { placeOf } from './place.js';

/** A list, and what kept it from being whole. */
interface Listed<T> {
  readonly items: readonly T[];
  readonly missing: readonly string[];
}

/** Everything at a site that carries an installation's labels. A disk is listed only once its machine is gone. */
export async function listOwned(cloud: Cloud, site: Site, installation: string, signal: AbortSignal): Promise<OwnedList> {
  const ours = labelled('installation', installation);
  // First what goes with others, so that whatever goes meanwhile is not seen alone.
  const disks = await listZones<Disk>(cloud, site, 'disks', ours, signal);
  const [instances, images] = await Promise.all([
    listZones<Instance>(cloud, site, 'instances', ours, signal),
    listImages(cloud, site, ours, signal),
  ]);
  const withMachine = new Set(instances.items.map(({ labels }) => tokenOf(labels)));
  const things = [
    ...instances.items.map((one) => thing('machine', one, { zone: lastOf(one.zone), instanceId: one.id })),
    ...images.filter(({ labels }) => !isKept(labels)).map((one) => thing('image', one, { selfLink: one.selfLink, id: one.id })),
    ...disks.items
      .filter(({ labels }) => !withMachine.has(tokenOf(labels)))
      .map((one) => thing('disk', one, { zone: lastOf(one.zone), disk: one.name })),
  ];
  const missing = [...new Set([...instances.missing, ...disks.missing])];
  return missing.length === 0 ? { things } : { things, incomplete: missing.join('; ') };
}

/** A list over the site's zones. What another zone has is another site's. */
async function listZones<T extends Instance | Disk>(
  cloud: Cloud,
  site: Site,
  kind: 'instances' | 'disks',
  filter: string,
  signal: AbortSignal,
): Promise<Listed<T>> {
  const { project, zones } = placeOf(site);
  const items: T[] = [];
  const missing: string[] = [];
  let pageToken = '';
  do {
    const query = { filter, returnPartialSuccess: 'true', ...(pageToken === '' ? {} : { pageToken }) };
    const call = { method: 'GET', path: `${project}/aggregated/${kind}`, query } as const;
    const page = await cloud.places.of(site).ask<AggregatedPage>(signal, call);
    const unreachable = (page.unreachables ?? []).map((one) => lastOf(one));
    for (const zone of zones) {
      const scope = page.items?.[`zones/${zone}`];
      items.push(...((scope?.[kind] ?? []) as readonly T[]));
      const warning = scope?.warning?.code;
      if (warning !== undefined && warning !== 'NO_RESULTS_ON_PAGE') missing.push(`zone ${zone} says ${warning} of its ${kind}`);
      else if (unreachable.includes(zone)) missing.push(`zone ${zone} cannot be reached for its ${kind}`);
    }
    if (page.items === undefined && zones.length > 0) missing.push(`Google did not list its zones' ${kind}`);
    pageToken = page.nextPageToken ?? '';
  } while (pageToken !== '');
  return { items, missing };
}

async function listImages(cloud: Cloud, site: Site, filter: string, signal: AbortSignal): Promise<readonly Image[]> {
  const items: Image[] = [];
  let pageToken = '';
  do {
    const query = { filter, ...(pageToken === '' ? {} : { pageToken }) };
    const call = { method: 'GET', path: `${placeOf(site).project}/global/images`, query } as const;
    const page = await cloud.places.of(site).ask<Page<Image>>(signal, call);
    items.push(...(page.items ?? []));
    pageToken = page.nextPageToken ?? '';
  } while (pageToken !== '');
  return items;
}

/** Deletes the machine of a token and waits for that; then removes what it left. */
export async function destroyAll(cloud: Cloud, site: Site, token: Token, signal: AbortSignal): Promise<void> {
  const { project, zones } = placeOf(site);
  const compute = cloud.places.of(site);
  for (const one of await instancesOf(cloud, site, token, signal)) await deleteInstance(cloud, site, one, signal);
  for (const image of await listImages(cloud, site, labelled('token', token), signal)) {
    if (!isKept(image.labels)) await removeImage(cloud, site, image, signal);
  }
  // It goes with its machine, unless somebody changed that.
  for (const zone of zones) {
    const path = `${project}/zones/${zone}/disks/${token}`;
    try {
      const disk = await compute.ask<Disk>(signal, { method: 'GET', path });
      if (tokenOf(disk.labels) === token && (disk.users ?? []).length === 0) {
        await compute.perform(signal, { method: 'DELETE', path }, { how: 'patient' });
      }
    } catch (error) {
      if (!['notFound', 'RESOURCE_NOT_FOUND'].includes(codeOf(error))) throw error;
    }
  }
}

function thing(
  type: OwnedThing['type'],
  { creationTimestamp, labels }: { readonly creationTimestamp?: string; readonly labels?: Labels },
  handle: OwnedThing['handle'],
): OwnedThing {
  return { type, token: tokenOf(labels), owner: ownerOf(labels), createdAt: Date.parse(creationTimestamp ?? '') || 0, handle };
}
