import type { GcpTarget } from '@murmur/api';

import type { Site } from '../substrate.js';

/** A project and zones as a placement names them, with the tenant that uses them. */
export interface GcePlace {
  readonly project: string;
  readonly zones: readonly string[];
  readonly region: string;
  /** A path `projects/…`; empty for the project's default network. */
  readonly subnetwork: string;
  /** What machines act as; empty for nothing. */
  readonly serviceAccount: string;
  readonly publicIp: boolean;
  /** The provider of a workload identity pool and the service account that its subjects act as; empty for the server's own identity. */
  readonly provider: string;
  readonly actsAs: string;
  readonly tenant: string;
}

/** The site of a placement on GCE, as this tenant uses it. */
export function siteOfTarget(target: GcpTarget, tenant: string): Site {
  const { assignPublicIp, networkProject, project, serviceAccount, subnet, wifProviderResourceName, wifServiceAccount, zones } = target;
  const region = regionOf(zones[0] ?? '');
  const named = subnet === '' || subnet.startsWith('projects/') ? subnet : undefined;
  return {
    project,
    zones: zones.join(' '),
    region,
    subnetwork: named ?? `projects/${networkProject === '' ? project : networkProject}/regions/${region}/subnetworks/${subnet}`,
    serviceAccount,
    publicIp: assignPublicIp,
    provider: wifProviderResourceName.replace(/^\/\/iam\.googleapis\.com\//, ''),
    actsAs: wifServiceAccount,
    tenant,
  } as unknown as Site;
}

/** The place that a site names. */
export function placeOf(site: Site): GcePlace {
  const { zones, ...rest } = site as unknown as Omit<GcePlace, 'zones'> & { zones: string };
  return { ...rest, zones: zones.split(' ').filter((zone) => zone !== '') };
}

function regionOf(zone: string): string {
  return zone.slice(0, Math.max(0, zone.lastIndexOf('-')));
}
