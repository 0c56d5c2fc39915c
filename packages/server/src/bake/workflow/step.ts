import type { JsonValue } from '@bufbuild/protobuf';
import type { Logger } from 'pino';

import type { Database } from '../../database/tables.js';
import type { TenantKey } from '../../secrets/tenant-keys.js';
import type { GuestKeys, Handle, Machine, Owner, Site, Substrate } from '../../substrates/substrate.js';
import type { HostRoom } from '../room/limits.js';
import type { Lease } from '../runs/lease.js';
import type { RunInputs } from '../starting/run-inputs.js';
import type { Phase, RunRow } from '../runs/runs.js';

/** What the steps of one attempt have made so far. Kept as JSON in the workflow's tables, so it holds no secret. */
export interface BakeState {
  readonly machine?: Machine;
  readonly artifact?: {
    /** The catalog image's source arm, as the protobuf JSON of an image that has nothing else. */
    readonly source: JsonValue;
    readonly reference: Handle;
  };
}

/** What a step works with. */
export interface StepContext {
  readonly run: RunRow;
  readonly inputs: RunInputs;
  readonly site: Site;
  readonly attempt: number;
  /**
   * How long servers have watched this step of this attempt before, in milliseconds by their monotonic clocks: what its limit is
   * compared with. No other clock will do: the database's may differ from the server's, and a host may sleep.
   */
  readonly watchedMs: number;
  readonly lease: Lease;
  readonly owner: Owner;
  readonly database: Database;
  readonly substrate: Substrate;
  /** What the server's own host has for machines. */
  readonly room: HostRoom;
  readonly tenantKey: TenantKey;
  /** The keys of this attempt's machine. */
  readonly keys: GuestKeys;
  /** The value of a secret of the run's tenant. That the run may use it was asked when it was started. */
  secret(name: string): Promise<string>;
  /** Aborted when the bake is cancelled, taken over or the server stops. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Says, for the log, what is waited for from here on where the step alone does not tell; undefined when it is there. */
  note(awaited: string | undefined): void;
}

/**
 * One step of a bake. It may be repeated after any crash: what it creates outside it creates under a token, behind an intent,
 * and it returns only what it adds to the state.
 */
export interface BakeStep {
  readonly name: string;
  readonly phase: Phase;
  /** What its run waits for meanwhile, in words; absent where that takes the time it takes, as a script does. */
  readonly waitsFor?: string;
  run(state: BakeState, context: StepContext): Promise<BakeState>;
  /** Removes what the step made in this attempt, or half made. */
  undo?(state: BakeState, context: StepContext): Promise<void>;
}

/** The bake itself failed, not the platform: it is not tried again. The message is the run's error. */
export class BakeFailure extends Error {
  override readonly name = 'BakeFailure';
}

/** The machine that an earlier step of this attempt launched. */
export function machineOf(state: BakeState): Machine {
  if (state.machine === undefined) throw new Error('a step that needs the machine came before launch');
  return state.machine;
}
