import { type Placement, PlacementSchema, Substrate, SubstrateSchema } from '@murmur/api';

import { fault } from '../../faults.js';
import { defineKind } from '../../kind.js';
import { checkDescription, checkName } from '../../shared-rows.js';
import { placementErrors } from './errors.js';
import { placementFields } from './fields.js';
import { checkTarget } from './target.js';

/** Where a bake runs and its image lives. */
export const placement = defineKind({
  name: 'placement',
  schema: PlacementSchema,
  summary: 'Where a bake runs and its image lives: a GCP project and zones, an AWS account and region, or the host of the server.',
  decoding: { nestedOneof: 'target' },
  fields: placementFields,
  example: `name: us-central1
substrate: SUBSTRATE_GCP
description: The team's project in Iowa
gcp:
  project: acme-agents
  zones:
    - us-central1-a
    - us-central1-b
  subnet: agents
  wif_provider_resource_name: projects/1234/locations/global/workloadIdentityPools/murmur/providers/murmur
  wif_service_account: murmur@acme-agents.iam.gserviceaccount.com
`,
  errors: placementErrors,
  columns: [
    { header: 'NAME', cell: (spec) => spec.name },
    { header: 'SUBSTRATE', cell: (spec) => SubstrateSchema.value[spec.substrate]?.name ?? '' },
    { header: 'TARGET', cell: targetCell },
    { header: 'DESCRIPTION', cell: (spec) => spec.description },
  ],
  *validate(spec) {
    yield* checkName(placementErrors, spec.name);
    if (spec.substrate === Substrate.UNSPECIFIED) yield fault(placementErrors.substrateRequired, 'substrate');
    yield* checkTarget(spec);
    yield* checkDescription(spec.description);
  },
  builtinsOnHost: true,
});

function targetCell({ target }: Placement): string {
  if (target.case === 'gcp') return target.value.project;
  return target.case === 'aws' ? `${target.value.accountId}/${target.value.region}` : '';
}
