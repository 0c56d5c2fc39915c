import { type AwsTarget, type GcpTarget, type Placement, Substrate, SubstrateSchema } from '@murmur/api';

import { type Faults, fault } from '../../faults.js';
import { placementErrors as errors } from './placement-errors.js';

const targets: ReadonlyMap<Substrate, Placement['target']['case']> = new Map([
  [Substrate.GCP, 'gcp'],
  [Substrate.AWS, 'aws'],
]);
const zone = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)+$/;

/** A placement needs exactly one target, that of its substrate. Tenants never choose a socket or path on the server. */
export function* checkTarget(spec: Placement): Faults {
  const substrate = SubstrateSchema.value[spec.substrate]?.name ?? '';
  if (spec.substrate !== Substrate.UNSPECIFIED && !targets.has(spec.substrate)) {
    return yield fault(errors.substrateLocal, 'substrate', substrate);
  }
  if (spec.target.case === undefined) return yield fault(errors.targetRequired, 'target');
  const fitting = targets.get(spec.substrate);
  if (fitting !== undefined && fitting !== spec.target.case)
    yield fault(errors.targetMismatch, spec.target.case, spec.target.case, substrate);
  yield* spec.target.case === 'gcp' ? checkGcp(spec.target.value) : checkAws(spec.target.value);
}

function* checkGcp({ project, zones }: GcpTarget): Faults {
  if (project === '') yield fault(errors.projectRequired, 'gcp.project');
  if (zones.length === 0) yield fault(errors.zonesRequired, 'gcp.zones');
  for (const [index, name] of zones.entries()) {
    if (!zone.test(name)) yield fault(errors.zoneInvalid, `gcp.zones[${index}]`, String(index));
  }
  const regions = new Set(zones.map((name) => name.slice(0, name.lastIndexOf('-'))));
  if (regions.size > 1) yield fault(errors.zonesRegion, 'gcp.zones');
}

function* checkAws({ accountId, region }: AwsTarget): Faults {
  if (accountId === '') yield fault(errors.accountRequired, 'aws.account_id');
  else if (!/^[0-9]{12}$/.test(accountId)) yield fault(errors.accountInvalid, 'aws.account_id');
  if (region === '') yield fault(errors.regionRequired, 'aws.region');
}
