import { EnvironmentSchema, Substrate, SubstrateSchema } from '@murmur/api';

import { fault } from '../../faults.js';
import { defineKind } from '../../kind.js';
import { checkDescription, checkName } from '../../shared-rows.js';
import { environmentErrors } from './errors.js';
import { environmentFields } from './fields.js';
import { checkTypes, typeReferences } from './types.js';

const withDiskTypes: readonly Substrate[] = [Substrate.GCP, Substrate.AWS];

/** The shape of the machines of a bake or a workspace. */
export const environment = defineKind({
  name: 'environment',
  schema: EnvironmentSchema,
  summary: 'The shape of a machine: its substrate, machine type and disk.',
  fields: environmentFields,
  example: `name: staging
substrate: SUBSTRATE_GCP
machine_type_ref: n2-standard-8
disk_type_ref: pd-ssd
disk_size_gb: 50
description: Eight processors and a quick disk
`,
  errors: environmentErrors,
  columns: [
    { header: 'NAME', cell: (spec) => spec.name },
    { header: 'SUBSTRATE', cell: (spec) => SubstrateSchema.value[spec.substrate]?.name ?? '' },
    { header: 'MACHINE TYPE REF', cell: (spec) => spec.machineTypeRef },
    { header: 'DISK SIZE GB', cell: (spec) => String(spec.diskSizeGb) },
    { header: 'DESCRIPTION', cell: (spec) => spec.description },
  ],
  *validate(spec) {
    yield* checkName(environmentErrors, spec.name);
    if (spec.substrate === Substrate.UNSPECIFIED) yield fault(environmentErrors.substrateRequired, 'substrate');
    if (spec.machineTypeRef === '') yield fault(environmentErrors.machineTypeRequired, 'machine_type_ref');
    if (spec.diskTypeRef === '' && withDiskTypes.includes(spec.substrate)) yield fault(environmentErrors.diskTypeRequired, 'disk_type_ref');
    if (spec.diskSizeGb < 0) yield fault(environmentErrors.diskSizeNegative, 'disk_size_gb');
    yield* checkDescription(spec.description);
  },
  references: typeReferences,
  checkTargets: checkTypes,
});
