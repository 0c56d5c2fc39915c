import { create } from '@bufbuild/protobuf';
import {
  type CheckPlacementRequest,
  type CheckPlacementResponse,
  CheckPlacementResponseSchema,
  MurmurError,
  type Placement,
  type PlacementFinding as Finding,
  PlacementFinding_Outcome as Outcome,
  PlacementFindingSchema,
} from '@murmur/api';

import type { Reader } from '../../catalog/context.js';
import { platformImages } from '../../catalog/builtins.js';
import { substrateOf } from '../../catalog/kinds/recipe/bases.js';
import { readSpecAs } from '../../catalog/read.js';
import { answeredWithin, PlatformFault, type PlacementFinding, type Site, type Substrate } from '../../substrates/substrate.js';
import { rightsOf } from '../images/rights.js';
import { found } from './placing.js';
import type { PlanParts } from './plan.js';
import { substrateFor, substrateNamed } from './substrates.js';

/** Somebody waits for the answer. */
const longestMs = 2 * 60_000;
const outcomes = { ok: Outcome.OK, failed: Outcome.FAILED, 'not checked': Outcome.NOT_CHECKED } as const;

/**
 * Looks whether a bake at a placement would find what it needs, and makes nothing. Throws only where the placement cannot be read:
 * what is wrong with it is among the findings.
 */
export async function checkPlacement(
  parts: Pick<PlanParts, 'database' | 'substrates' | 'tenantKeys'>,
  reader: Reader,
  { name }: CheckPlacementRequest,
  signal: AbortSignal,
): Promise<CheckPlacementResponse> {
  const reading = readSpecAs(parts.database, reader, 'placement', name);
  const placement = await found(reading, 'Check the name with `murmur get placement`.');
  const findings: Finding[] = [];
  const add = ({ check, found: seen, outcome, remedy = '' }: PlacementFinding) =>
    void findings.push(create(PlacementFindingSchema, { check, outcome: outcomes[outcome], found: seen, remedy }));
  const available = availableFor(parts, placement);
  add(available.finding);
  if (available.substrate !== undefined) {
    const { substrate } = available;
    const site = substrate.siteOf(placement, reader.tenant);
    const own = await ownFindings(substrate, site, signal);
    for (const finding of own) add(finding);
    // Whoever is not let in finds no image either, and the reason stands above.
    if (own.some(({ outcome }) => outcome === 'failed')) add(afterFailure());
    else for (const finding of await checkBases(parts, reader, { substrate, site }, signal)) add(finding);
  }
  return create(CheckPlacementResponseSchema, { findings });
}

function availableFor(
  { substrates }: Pick<PlanParts, 'substrates'>,
  placement: Placement,
): { readonly substrate?: Substrate; readonly finding: PlacementFinding } {
  try {
    const substrate = substrateFor(substrates, substrateNamed(placement.substrate));
    return { substrate, finding: { check: 'substrate', outcome: 'ok', found: substrate.scope(placement) } };
  } catch (error) {
    if (!(error instanceof MurmurError)) throw error;
    return { finding: failure('substrate', error) };
  }
}

/** A place that cannot be asked is a finding, too. */
async function ownFindings(substrate: Substrate, site: Site, signal: AbortSignal): Promise<readonly PlacementFinding[]> {
  if (substrate.checkPlacement === undefined) return [];
  try {
    return await answeredWithin(longestMs, signal, async (limited) => (await substrate.checkPlacement?.(site, limited)) ?? []);
  } catch (error) {
    if (!(error instanceof MurmurError || error instanceof PlatformFault)) throw error;
    return [failure('substrate answers', error)];
  }
}

async function checkBases(
  parts: Pick<PlanParts, 'database' | 'tenantKeys'>,
  reader: Reader,
  { site, substrate }: { readonly site: Site; readonly substrate: Substrate },
  signal: AbortSignal,
): Promise<readonly PlacementFinding[]> {
  const bases = (await platformImages(parts.database)).filter((image) => substrateNamed(substrateOf(image)) === substrate.name);
  if (bases.length === 0) {
    const remedy = 'Build one with "murmur base build", or write an image with the source of one that is there.';
    return [{ check: 'base image', outcome: 'not checked', found: 'the platform has none here', remedy }];
  }
  const findings: PlacementFinding[] = [];
  for (const image of bases) {
    try {
      const { immutableId } = await substrate.resolveBase(site, image, rightsOf(parts, reader), signal);
      findings.push({ check: `image ${image.name}`, outcome: 'ok', found: immutableId });
    } catch (error) {
      if (!(error instanceof MurmurError || error instanceof PlatformFault)) throw error;
      findings.push(failure(`image ${image.name}`, error));
    }
  }
  return findings;
}

function failure(check: string, error: MurmurError | PlatformFault): PlacementFinding {
  const remedy = error instanceof MurmurError ? error.hint : undefined;
  return { check, outcome: 'failed', found: error.message, ...(remedy === undefined ? {} : { remedy }) };
}

function afterFailure(): PlacementFinding {
  return { check: 'base image', outcome: 'not checked', found: 'something before it has failed' };
}
