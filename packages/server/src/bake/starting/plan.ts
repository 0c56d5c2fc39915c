import {
  Architecture,
  type Image,
  type Placement,
  parseDuration,
  type Recipe,
  type ServiceProfile,
  type StartBakeRequest,
  refusal,
} from '@murmur/api';

import { baseOn } from '../../catalog/kinds/recipe/bases.js';
import { bakeErrors } from '../errors.js';
import type { Reader } from '../../catalog/context.js';
import { readSpec } from '../../catalog/read.js';
import type { Database } from '../../database/tables.js';
import type { TenantKey, TenantKeys } from '../../secrets/tenant-keys.js';
import type { ArchitectureName, Substrate, SubstrateName } from '../../substrates/substrate.js';
import { imageHash } from './identity.js';
import { checkFits, type HostRoom, sizeOf } from '../room/limits.js';
import { rightsOf } from '../images/rights.js';
import { checkArchitecture, checkDiskSize, found, loadPlacing } from './placing.js';
import type { RunInputs } from './run-inputs.js';
import { checkVariables, serviceProfileOf } from './script-variables.js';
import { prefixed, reachable, substrateFor } from './substrates.js';

const nanosecondsPerSecond = 1_000_000_000n;
const longestKeepSeconds = 24 * 3600;

/** What planning needs of the server. */
export interface PlanParts {
  readonly database: Database;
  readonly tenantKeys: TenantKeys;
  readonly substrates: ReadonlyMap<SubstrateName, Substrate>;
  readonly room: HostRoom;
  /**
   * Throws where the documents alone tell that a substrate cannot start the image there, whether or not this server is set up for it.
   */
  readonly checkImage?: (substrate: SubstrateName, image: Image, placement: Placement) => void;
}

/** A bake that may start: everything it will use, checked and pinned, and its identity. */
export interface BakePlan {
  readonly request: StartBakeRequest;
  readonly recipe: Recipe;
  readonly profile: ServiceProfile | undefined;
  /** The catalog names of what the bake uses, by kind. */
  readonly uses: readonly (readonly ['recipe' | 'environment' | 'placement' | 'image', string])[];
  readonly substrate: Substrate;
  readonly scope: string;
  readonly imageHash: string;
  readonly inputs: RunInputs;
  readonly tenantKey: TenantKey;
  readonly keepSeconds: number;
}

/** Checks a request for a bake with what its caller may read, before anything is created, and pins its base image. */
export async function planBake(parts: PlanParts, reader: Reader, request: StartBakeRequest, signal: AbortSignal): Promise<BakePlan> {
  const { tenant } = reader;
  checkCredentials(tenant, request);
  const recipe = await found(readSpec(parts.database, reader, 'recipe', request.recipe));
  const { diskType, environment, machineType, placement, substrateName } = await loadPlacing(parts.database, reader, request);
  const profile = await serviceProfileOf(parts.database, reader, request);
  const baseName = baseOn(recipe, environment.substrate);
  if (baseName === '') {
    throw refusal(bakeErrors.noBase, [recipe.name, prefixed(substrateName)]);
  }
  const base = await readSpec(parts.database, reader, 'image', baseName);
  checkArchitecture(base, machineType);
  parts.checkImage?.(substrateName, base, placement);
  const substrate = substrateFor(parts.substrates, substrateName);
  checkFits(parts.room, substrate, { machineType, environment });
  const keepSeconds = keepSecondsOf(request.keepOnFailure, substrate);
  const tenantKey = await parts.tenantKeys.of(tenant);
  const site = substrate.siteOf(placement, tenant);
  const resolved = await reachable(substrateName, () => substrate.resolveBase(site, base, rightsOf(parts, reader), signal));
  checkDiskSize(environment, base, resolved);
  const scope = substrate.scope(placement);
  const timeout = parseDuration(recipe.provisioningTimeout) ?? 0n;
  return {
    request,
    recipe,
    profile,
    uses: [
      ['recipe', recipe.name],
      // In the order in which writers of several resources take them, so that none waits for the other.
      ['environment', environment.name],
      ['image', base.name],
      ['placement', placement.name],
    ],
    substrate,
    scope,
    tenantKey,
    keepSeconds,
    imageHash: imageHash(
      {
        substrate: substrateName,
        scope,
        baseId: resolved.immutableId,
        architecture: Architecture[base.architecture] as ArchitectureName,
        diskSizeGb: environment.diskSizeGb,
        script: recipe.provisioningScript,
        secretAllowlist: recipe.secretAllowlist,
        variables: request.variables,
      },
      tenantKey,
    ),
    inputs: {
      script: recipe.provisioningScript,
      timeout: recipe.provisioningTimeout,
      timeoutSeconds: Number(timeout) / Number(nanosecondsPerSecond),
      architecture: Architecture[base.architecture] as ArchitectureName,
      base: resolved,
      site,
      ...sizeOf(machineType),
      machineType: machineType.typeName,
      diskType: diskType?.typeName ?? '',
      diskSizeGb: environment.diskSizeGb,
    },
  };
}

function checkCredentials(tenant: string, request: StartBakeRequest): void {
  const forwards = Object.keys(request.variables).length > 0;
  if (request.serviceProfile !== '' && forwards) {
    throw refusal(bakeErrors.profileAndVariables, []);
  }
  if (request.serviceProfile !== '' && !tenant.startsWith('github_app/')) {
    throw refusal(bakeErrors.profileElsewhere, []);
  }
  checkVariables(request.variables);
}

function keepSecondsOf(text: string, substrate: Substrate): number {
  if (text === '') return 0;
  const duration = parseDuration(text);
  if (duration === undefined) throw refusal(bakeErrors.keepUnreadable, []);
  if (duration <= 0n) throw refusal(bakeErrors.keepNotPositive, []);
  const seconds = Math.ceil(Number(duration) / Number(nanosecondsPerSecond));
  if (seconds > longestKeepSeconds) throw refusal(bakeErrors.keepTooLong, []);
  if (substrate.shellCommand === undefined) {
    throw refusal(bakeErrors.keepUnsupported, [prefixed(substrate.name)]);
  }
  return seconds;
}
