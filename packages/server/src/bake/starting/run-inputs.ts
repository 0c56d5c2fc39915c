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
