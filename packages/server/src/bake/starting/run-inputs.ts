import { fromJson, toJson, type JsonValue } from '@bufbuild/protobuf';
import { PlacementSchema, type Placement } from '@murmur/api';

import type { TenantKey } from '../../secrets/tenant-keys.js';
import type { ArchitectureName, ResolvedBase } from '../../substrates/substrate.js';

/** Everything a bake's steps need that is no secret, frozen when the run was started. Kept as JSON on the run. */
export interface RunInputs {
  readonly script: string;
  /** As the recipe wrote it, for messages. */
  readonly timeout: string;
  readonly timeoutSeconds: number;
  readonly architecture: ArchitectureName;
  readonly base: ResolvedBase;
  /** The placement as protobuf JSON. */
  readonly placement: JsonValue;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly machineType: string;
  readonly diskSizeGb: number;
}

/** A placement as a run keeps it. */
export function freezePlacement(placement: Placement): JsonValue {
  return toJson(PlacementSchema, placement);
}

/** The placement a run was started with. */
export function thawPlacement(inputs: RunInputs): Placement {
  return fromJson(PlacementSchema, inputs.placement, { ignoreUnknownFields: true });
}

/** What the script will see, forwarded or from the catalog, as it waits on the run. */
export function sealVariables(key: TenantKey, runId: string, variables: Readonly<Record<string, string>>): Buffer {
  return key.seal(Buffer.from(JSON.stringify(variables)), `variables of run ${runId}`);
}

/** What the script of a run sees, as long as the run lives. */
export function openVariables(key: TenantKey, runId: string, sealed: Buffer | null): Record<string, string> {
  if (sealed === null) return {};
  return JSON.parse(key.open(sealed, `variables of run ${runId}`).toString()) as Record<string, string>;
}
