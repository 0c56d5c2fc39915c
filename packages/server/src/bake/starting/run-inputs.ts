import type { TenantKey } from '../../secrets/tenant-keys.js';
import type { ArchitectureName, ResolvedBase, Site } from '../../substrates/substrate.js';

/** Everything a bake's steps need that is no secret, frozen when the run was started. Kept as JSON on the run. */
export interface RunInputs {
  readonly script: string;
  /** As the recipe wrote it, for messages. */
  readonly timeout: string;
  readonly timeoutSeconds: number;
  readonly architecture: ArchitectureName;
  readonly base: ResolvedBase;
  /** Absent in runs from before sites were kept. */
  readonly site?: Site;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly machineType: string;
  /** Absent in runs from before disk types were kept. */
  readonly diskType?: string;
  readonly diskSizeGb: number;
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
