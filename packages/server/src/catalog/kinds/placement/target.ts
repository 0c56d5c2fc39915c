import { type Placement, Substrate, SubstrateSchema } from '@murmur/api';

import { type Faults, fault } from '../../faults.js';
import { checkAws } from './aws-target.js';
import { checkGcp } from './gcp-target.js';
import { placementErrors as errors } from './errors.js';

const targets: ReadonlyMap<Substrate, Placement['target']['case']> = new Map([
  [Substrate.GCP, 'gcp'],
  [Substrate.AWS, 'aws'],
]);

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
