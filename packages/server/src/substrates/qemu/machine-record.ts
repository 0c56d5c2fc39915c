import path from 'node:path';

import type { Owner, Token } from '../substrate.js';
import { writeAtomically } from '../../host/durable-files.js';
import { readIfPresent } from './files.js';
import type { MachineIsolation } from './isolation.js';
import { machineFolder, type Digest, type Layout } from './layout.js';

/** `machine.json` in a machine's folder. Holds no secret. */
export interface MachineRecord {
  readonly token: Token;
  readonly owner: Owner;
  readonly base: Digest;
  readonly createdAt: number;
  /** When the machine ends by itself, in milliseconds since the epoch. */
  readonly endsAt: number;
  /** How it is kept from its host, known before that is done. */
  readonly isolation?: MachineIsolation;
  /** The loopback port forwarded to the guest's SSH server; absent until the machine was seen running. */
  readonly port?: number;
  /** Set once the guest said on its console that its SSH server listens. */
  readonly listening?: true;
  /** Set once its kernel was seen to have panicked. */
  readonly panicked?: true;
  /** The QEMU process, by what tells it apart from a later one of the same id. */
  readonly process?: { readonly pid: number; readonly start: string };
  /**
   * Set before the guest is told to power off for a capture: from here on the disk is the result, for as long as the host
   * stays up: QEMU leaves it to the host's memory to bring to the disk.
   */
  readonly stopping?: { readonly kernelChanged: boolean; readonly boot: string };
}

/** The machine's record, or undefined when there is none (also when only its folder was made). */
export async function readMachine(layout: Layout, token: Token): Promise<MachineRecord | undefined> {
  const text = await readIfPresent(path.join(machineFolder(layout, token), 'machine.json'));
  return text === undefined ? undefined : (JSON.parse(text) as MachineRecord);
}

/** Replaces the machine's record. */
export async function writeMachine(layout: Layout, record: MachineRecord): Promise<void> {
  await writeAtomically(path.join(machineFolder(layout, record.token), 'machine.json'), `${JSON.stringify(record, null, 2)}\n`);
}
