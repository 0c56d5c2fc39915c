import { growingPause } from '../cloud/pauses.js';
import { EndedByGuest, type Machine, PlatformFault, type Site, type Token } from '../substrate.js';
import { lastOf, type Instance, type Operation, type Page } from './api.js';
import type { Cloud } from './cloud.js';
import { unless } from './faults.js';
import { tokenOf } from './labels.js';
import { placeOf } from './place.js';

/** An instance by zone and name; undefined where there is none. What is asked for by its name is seen at once. */
export function readInstance(cloud: Cloud, site: Site, zone: string, name: string, signal: AbortSignal): Promise<Instance | undefined> {
  const path = instancePath(site, zone, name);
  return cloud.places.of(site).ask<Instance>(signal, { method: 'GET', path }).catch(unless('notFound'));
}

/** Where an instance is. */
export function instancePath(site: Site, zone: string, name: string): string {
  return `${placeOf(site).project}/zones/${zone}/instances/${name}`;
}

/** The instances of a token in the site's zones: it is their name. */
export async function instancesOf(cloud: Cloud, site: Site, token: Token, signal: AbortSignal): Promise<readonly Instance[]> {
  const found = await Promise.all(placeOf(site).zones.map((zone) => readInstance(cloud, site, zone, token, signal)));
  return found.filter((one) => one !== undefined).filter(({ labels }) => tokenOf(labels) === token);
}

/** The machine of an instance. */
export function machineFrom(site: Site, token: Token, { id, zone }: Instance): Machine {
  return { site, token, handle: { zone: lastOf(zone), instanceId: id } };
}

/** The zone that a machine is in. */
export function zoneOf({ handle }: Machine): string {
  return String(handle['zone'] as string);
}

/** Looks at a machine until `look` has an answer. Throws when it is gone. */
export async function watchMachine<T>(
  cloud: Cloud,
  machine: Machine,
  signal: AbortSignal,
  look: (instance: Instance) => Promise<T | undefined>,
): Promise<T> {
  const pause = growingPause(cloud.times.machine, 'even', signal);
  for (;;) {
    const instance = await readInstance(cloud, machine.site, zoneOf(machine), machine.token, signal);
    // Another one under the same name is not this one.
    if (instance === undefined || instance.id !== machine.handle['instanceId']) throw new PlatformFault('the machine is gone');
    const answer = await look(instance);
    if (answer !== undefined) return answer;
    await pause();
  }
}

/** Throws why a machine that should run does not. Google writes down in an operation of its own that a guest powered off. */
export async function assertRuns(cloud: Cloud, { site }: Machine, instance: Instance, signal: AbortSignal): Promise<void> {
  const { id, status, zone } = instance;
  if (status === 'RUNNING' || status === 'PROVISIONING' || status === 'STAGING') return;
  if (status === 'TERMINATED' || status === 'STOPPED') {
    const query = { filter: `targetId=${id} AND operationType="compute.instances.guestTerminate"` };
    const path = `${placeOf(site).project}/zones/${lastOf(zone)}/operations`;
    const { items = [] } = await cloud.places.of(site).ask<Page<Operation>>(signal, { method: 'GET', path, query });
    if (items.length > 0) throw new EndedByGuest('off');
  }
  throw new PlatformFault(`the machine is ${status}: Google or somebody else stopped it`);
}
