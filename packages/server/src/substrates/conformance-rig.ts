import { randomBytes } from 'node:crypto';

import type { Wire } from './conformance-wire.js';
import { deriveGuestKeys } from './guest-keys.js';
import type { Artifact, CommandResult, GuestKeys, LaunchSpec, Machine, Owner, ResolvedBase, Site, Substrate, Token } from './substrate.js';

/** One substrate set up for the shared suite, with the hands that reach around it to break things. */
export interface PlaceUnderTest {
  readonly substrate: Substrate;
  /** Another instance over the same place, as a restarted server makes it. */
  reopen(): Promise<Substrate>;
  readonly installation: string;
  readonly base: ResolvedBase;
  readonly site: Site;
  /** Another place of the same substrate, where it has several. */
  readonly otherSite?: Site;
  /** Between the substrate and what it drives. */
  readonly wire: Wire;
  /**
   * Whether a call on the wire meets its faults outside of a sweep, too; with an empty name, whether the call of the port is made
   * there at all. Every one is unless this is given.
   */
  isQuick?(call: string, at: string): boolean;
  /** All that is at the place, by another way than the substrate's: processes, files, containers, images, volumes. */
  left(): Promise<readonly string[]>;
  /** All that the place itself keeps about a machine: its configuration, arguments and files, but not the guest's memory. */
  revealed(machine: Machine): Promise<Buffer>;
  /** Ends a machine without the substrate's knowledge. */
  kill(machine: Machine): Promise<void>;
  /** Harms an artifact behind the substrate's back: so that only a thorough look sees it, or plainly. */
  damage(artifact: Artifact, how: 'hidden' | 'plain'): Promise<void>;
  close(): Promise<void>;
}

/** What the suite makes and asks of the place under test. */
export interface Rig {
  readonly keys: GuestKeys;
  owner(): Owner;
  nextToken(what: string): Token;
  spec(changes?: Partial<LaunchSpec>): LaunchSpec;
  artifact(token: Token): { readonly name: string; readonly token: Token; readonly owner: Owner };
  ready(changes?: Partial<LaunchSpec>): Promise<Machine>;
  run(substrate: Substrate, machine: Machine, command: string, stdin?: string): Promise<CommandResult>;
}

/** Makes machines at a place that is set up by the time they are asked for. */
export function createRig(place: () => PlaceUnderTest): Rig {
  const keys = deriveGuestKeys(randomBytes(64));
  const { signal } = new AbortController();
  let last = 0;
  const rig: Rig = {
    keys,
    owner: () => ({ installation: place().installation, tenant: 'local/default', runId: 'run' }),
    nextToken: (what) => `run-${++last}-${what}` as Token,
    spec: (changes = {}) => ({
      owner: rig.owner(),
      base: place().base,
      site: place().site,
      attempt: 1,
      diskType: '',
      vcpus: 1,
      memoryMb: 128,
      machineType: '',
      diskSizeGb: 0,
      keys,
      lifetimeSeconds: 600,
      ...changes,
    }),
    // A name is taken at most once where places give them.
    artifact: (token) => ({ name: `image-${token}`, token, owner: rig.owner() }),
    async ready(changes) {
      const machine = await place().substrate.launch(rig.spec(changes), rig.nextToken('launch'), signal);
      await place().substrate.waitReady(machine, keys, signal);
      return machine;
    },
    async run(substrate, machine, command, stdin = '') {
      await using channel = await substrate.channel(machine, keys, signal);
      return await channel.run(command, { stdin });
    },
  };
  return rig;
}
