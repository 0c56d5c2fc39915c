import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { shellWords } from '@murmur/api';

import { PlatformFault, type GuestKeys, type Token } from '../substrate.js';
import { findMachine } from './launch.js';
import { controlSocket, machineFolder, type Layout } from './layout.js';
import { machineStatus } from './qmp.js';

/** Leaves the machine's client key and host key beside its disk, for its owner only, and returns the `ssh` line that uses them. */
export async function shellCommand(layout: Layout, token: Token, keys: GuestKeys): Promise<string> {
  const machine = await findMachine(layout, token);
  if (machine?.port === undefined) throw new PlatformFault('the machine is gone');
  const status = await machineStatus(controlSocket(layout, token));
  if (status !== 'running') throw new PlatformFault(`the machine stands still: ${status ?? 'its QEMU does not answer'}`);
  const folder = machineFolder(layout, token);
  const identity = path.join(folder, 'shell-key');
  const knownHosts = path.join(folder, 'shell-known-hosts');
  await writeFile(identity, keys.clientPrivate, { mode: 0o600 });
  await chmod(identity, 0o600);
  await writeFile(knownHosts, `[127.0.0.1]:${machine.port} ${keys.hostPublic}\n`, { mode: 0o600 });
  const options = [
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile="${knownHosts}"`,
    'GlobalKnownHostsFile=/dev/null',
  ];
  const access = [...options.flatMap((option) => ['-o', option]), '-p', String(machine.port), 'root@127.0.0.1'];
  return shellWords(['ssh', '-F', '/dev/null', '-i', identity, ...access]);
}
