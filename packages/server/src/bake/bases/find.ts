import { create } from '@bufbuild/protobuf';
import { Architecture, type FindBasesRequest, type FindBasesResponse, FindBasesResponseSchema, MurmurError } from '@murmur/api';

import type { Reader } from '../../catalog/context.js';
import { readSpecAs } from '../../catalog/read.js';
import { found } from '../starting/placing.js';
import type { PlanParts } from '../starting/plan.js';
import { prefixed, reachable, substrateFor, substrateNamed } from '../starting/substrates.js';

/** Lists what distributions publish where a placement is. Throws FAILED_PRECONDITION where nobody publishes. */
export async function findBases(
  { database, substrates }: Pick<PlanParts, 'database' | 'substrates'>,
  reader: Reader,
  request: FindBasesRequest,
  signal: AbortSignal,
): Promise<FindBasesResponse> {
  const placement = await found(
    readSpecAs(database, reader, 'placement', request.placement),
    'Check the name with `murmur get placement`.',
  );
  const substrate = substrateFor(substrates, substrateNamed(placement.substrate));
  if (substrate.findBases === undefined) {
    throw new MurmurError('FAILED_PRECONDITION', `nobody publishes images for ${prefixed(substrate.name)}`, {
      hint: 'Build a base there with "murmur base build".',
    });
  }
  const site = substrate.siteOf(placement, reader.tenant);
  const bases = await reachable(substrate.name, async () => (await substrate.findBases?.(site, signal)) ?? []);
  return create(FindBasesResponseSchema, { bases: bases.map((one) => ({ ...one, architecture: Architecture[one.architecture] })) });
}
