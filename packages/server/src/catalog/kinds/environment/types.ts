import { DiskTypeSchema, type Environment, MachineTypeSchema, Substrate, SubstrateSchema } from '@murmur/api';

import { type Faults, fault } from '../../faults.js';
import type { Reference } from '../../kind.js';
import type { Targets } from '../../targets.js';
import { referenceIn } from '../../shared-references.js';
import { environmentErrors } from './errors.js';

/** The machine type and the disk type an environment names. */
export function typeReferences(spec: Environment): Reference[] {
  return [
    ...referenceIn('machine_type_ref', 'machine-type', spec.machineTypeRef, environmentErrors.machineTypeMissing),
    ...referenceIn('disk_type_ref', 'disk-type', spec.diskTypeRef, environmentErrors.diskTypeMissing),
  ];
}

/** Both must be of the environment's own substrate. */
export function* checkTypes(spec: Environment, targets: Targets): Faults {
  if (spec.substrate === Substrate.UNSPECIFIED) return;
  const substrate = SubstrateSchema.value[spec.substrate]?.name ?? '';
  const machineType = targets.at('machine_type_ref', MachineTypeSchema);
  if (machineType !== undefined && machineType.substrate !== spec.substrate) {
    yield fault(environmentErrors.machineTypeOther, 'machine_type_ref', spec.machineTypeRef, substrate);
  }
  const diskType = targets.at('disk_type_ref', DiskTypeSchema);
  if (diskType !== undefined && diskType.substrate !== spec.substrate) {
    yield fault(environmentErrors.diskTypeOther, 'disk_type_ref', spec.diskTypeRef, substrate);
  }
}
