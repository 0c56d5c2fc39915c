import type { GcpTarget } from '@murmur/api';

import { type Faults, fault } from '../../faults.js';
import { placementErrors as errors } from './errors.js';

const project = /^(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*$/;
const zone = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)+$/;
const subnet = /^(?:projects\/[^/\s]+\/regions\/[^/\s]+\/subnetworks\/)?[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const serviceAccount = /^[^@\s]+@[a-z0-9.-]+\.gserviceaccount\.com$/;
const wifProvider =
  /^(?:\/\/iam\.googleapis\.com\/)?projects\/[0-9]+\/locations\/global\/workloadIdentityPools\/[a-z0-9-]+\/providers\/[a-z0-9-]+$/;

/** What is wrong with a GCP target, as far as its words tell. What they name is looked for when it is used. */
export function* checkGcp(target: GcpTarget): Faults {
  if (target.project === '') yield fault(errors.projectRequired, 'gcp.project');
  else if (!project.test(target.project)) yield fault(errors.projectInvalid, 'gcp.project');
  yield* checkZones(target.zones);
  if (!fits(subnet, target.subnet)) yield fault(errors.subnetInvalid, 'gcp.subnet');
  if (!fits(project, target.networkProject)) yield fault(errors.networkProjectInvalid, 'gcp.network_project');
  if (!fits(serviceAccount, target.serviceAccount)) yield fault(errors.serviceAccountInvalid, 'gcp.service_account');
  if (!fits(wifProvider, target.wifProviderResourceName)) yield fault(errors.wifProviderInvalid, 'gcp.wif_provider_resource_name');
  if (!fits(serviceAccount, target.wifServiceAccount)) yield fault(errors.wifServiceAccountInvalid, 'gcp.wif_service_account');
}

function* checkZones(zones: readonly string[]): Faults {
  if (zones.length === 0) yield fault(errors.zonesRequired, 'gcp.zones');
  for (const [index, name] of zones.entries()) {
    if (!zone.test(name)) yield fault(errors.zoneInvalid, `gcp.zones[${index}]`, String(index));
  }
  const regions = new Set(zones.map((name) => name.slice(0, name.lastIndexOf('-'))));
  if (regions.size > 1) yield fault(errors.zonesRegion, 'gcp.zones');
}

function fits(pattern: RegExp, text: string): boolean {
  return text === '' || pattern.test(text);
}
