import { findingOf } from '../cloud/finding.js';
import { PlatformFault, type PlacementFinding, type Site } from '../substrate.js';
import type { AggregatedPage } from './api.js';
import type { Cloud } from './cloud.js';
import type { ComputeCall } from './compute.js';
import { codeOf } from './faults.js';
import { type GcePlace, placeOf } from './place.js';

/** A name that nothing has: what is asked about it is only whether it may be asked. */
const nobody = 'murmur-check-nobody';

/** Looks at everything that a bake at a site needs, and makes nothing: by lists, and by calls about what is not there. */
export async function checkSite(cloud: Cloud, site: Site, signal: AbortSignal): Promise<readonly PlacementFinding[]> {
  const place = placeOf(site);
  const compute = cloud.places.of(site);
  const list = { method: 'GET', path: `${place.project}/aggregated/instances`, query: { returnPartialSuccess: 'true' } } as const;
  const entry = await findingOf(
    'identity and project',
    async () => {
      const { items = {} } = await compute.ask<AggregatedPage>(signal, list);
      const missing = place.zones.filter((zone) => !Object.hasOwn(items, `zones/${zone}`));
      if (missing.length === 0) return `${whoOf(place)}, in project ${place.project}`;
      throw new PlatformFault(`project ${place.project} has no zone ${missing.join(', ')}`, { kind: 'refused' });
    },
    `Give the provider this server's issuer and keys, and let its subject "${place.tenant}" act as ${place.actsAs}.`,
  );
  if (entry.outcome === 'failed') return [entry];
  const subnet = await findingOf(
    'subnet',
    () => describeSubnet(cloud, site, signal),
    "Name a subnet of the zones' region that may be used.",
  );
  const tries = await Promise.all(callsOf(place).map(([check, call]) => tried(cloud, site, check, call, signal)));
  return [entry, subnet, ...tries, wayTo(place)];
}

function whoOf({ actsAs, tenant }: GcePlace): string {
  return actsAs === '' ? "the server's own identity" : `${actsAs}, for ${tenant}`;
}

async function describeSubnet(cloud: Cloud, site: Site, signal: AbortSignal): Promise<string> {
  const { publicIp, subnetwork } = placeOf(site);
  if (subnetwork === '') return "the project's default network";
  const permissions = ['compute.subnetworks.use', ...(publicIp ? ['compute.subnetworks.useExternalIp'] : [])];
  const path = `${subnetwork.replace(/^projects\//, '')}/testIamPermissions`;
  const call = { method: 'POST', path, body: { permissions } } as const;
  const { permissions: held = [] } = await cloud.places.of(site).ask<{ readonly permissions?: readonly string[] }>(signal, call);
  const missing = permissions.filter((one) => !held.includes(one));
  if (missing.length === 0) return `${subnetwork} may be used`;
  throw new PlatformFault(`${subnetwork}: ${missing.join(', ')} is missing`, { kind: 'refused' });
}

/** Calls that can make nothing, each for a permission. */
function callsOf({ project, zones: [zone = ''] }: GcePlace): readonly (readonly [string, ComputeCall])[] {
  const instance = `${project}/zones/${zone}/instances/${nobody}`;
  const image = `${project}/global/images/${nobody}`;
  const disk = `${project}/zones/${zone}/disks/${nobody}`;
  const labels = { labels: {}, labelFingerprint: 'AAAAAAAAAAA=' };
  return [
    // Neither the machine's type nor the disk exist.
    [
      'compute.instances.create',
      { method: 'POST', path: `${project}/zones/${zone}/instances`, body: { name: nobody, machineType: nobody } },
    ],
    [
      'compute.images.create',
      { method: 'POST', path: `${project}/global/images`, body: { name: nobody, sourceDisk: `zones/${zone}/disks/${nobody}`, labels: {} } },
    ],
    ['compute.instances.get', { method: 'GET', path: instance }],
    ['compute.instances.getGuestAttributes', { method: 'GET', path: `${instance}/getGuestAttributes` }],
    ['compute.instances.setLabels', { method: 'POST', path: `${instance}/setLabels`, body: labels }],
    ['compute.instances.stop', { method: 'POST', path: `${instance}/stop` }],
    ['compute.instances.delete', { method: 'DELETE', path: instance }],
    ['compute.images.get', { method: 'GET', path: image }],
    ['compute.images.list', { method: 'GET', path: `${project}/global/images`, query: { maxResults: '1' } }],
    ['compute.images.setLabels', { method: 'POST', path: `${image}/setLabels`, body: labels }],
    ['compute.images.delete', { method: 'DELETE', path: image }],
    ['compute.disks.get', { method: 'GET', path: disk }],
    ['compute.disks.list', { method: 'GET', path: `${project}/aggregated/disks`, query: { maxResults: '1' } }],
    ['compute.disks.delete', { method: 'DELETE', path: disk }],
  ];
}

/** What a call about nothing says: that it may be made, or that it may not. */
async function tried(cloud: Cloud, site: Site, check: string, call: ComputeCall, signal: AbortSignal): Promise<PlacementFinding> {
  const { actsAs } = placeOf(site);
  const allowed = { check, outcome: 'ok', found: 'allowed' } as const;
  try {
    await cloud.places.of(site).ask(signal, call);
    return allowed;
  } catch (error) {
    // Whoever may not ask is not told what there is.
    if (['notFound', 'invalid', 'required', 'badRequest'].includes(codeOf(error))) return allowed;
    const found = error instanceof Error ? error.message : String(error);
    const remedy = `Give ${actsAs === '' ? "the server's own identity" : actsAs} the role of deploy/gcp/role.yaml in the project.`;
    return { check, outcome: 'failed', found, remedy };
  }
}

function wayTo({ publicIp }: GcePlace): PlacementFinding {
  const way = publicIp ? 'by external addresses' : 'by addresses of the subnet';
  return { check: 'way to machines', outcome: 'not checked', found: `${way}: "murmur try IMAGE ENVIRONMENT PLACEMENT -- true" shows it` };
}
