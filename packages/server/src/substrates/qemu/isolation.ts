import { randomBytes, randomInt } from 'node:crypto';

import type { Logger } from 'pino';

import type { GuestReach } from '../guest-reach.js';
import { HostCommandError, runOnHost } from '../host-command.js';
import { closeNetwork, tryNetwork } from './guest-network.js';

/** Users that no system gives out: above those of accounts and containers, below what is negative for some programs. */
const users = { first: 1_879_048_192, count: 2 ** 28 - 1 };

/** How far machines are kept from their host. */
export interface Isolation {
  /** Keeps the host from a machine, before it is started. What it comes to is written down before it is done. */
  closeOff(write: (isolation: MachineIsolation) => Promise<void>): Promise<void>;
  /** Keeps the host from a machine again whose table is gone. */
  restore(isolation: MachineIsolation): Promise<void>;
}

/** How one machine is kept from its host; both are absent where the host cannot do it. */
export interface MachineIsolation {
  /** The user and group it runs as. */
  readonly user?: number;
  /** The table of the host's firewall that holds its connections back. */
  readonly table?: string;
}

/** Finds out what this host can do, and warns of what it cannot. */
export async function openIsolation(reach: GuestReach, log: Logger): Promise<Isolation> {
  const { ownUsers, closes } = await abilities(reach, log);
  return {
    async closeOff(write) {
      if (!ownUsers) return;
      const user = users.first + randomInt(users.count);
      if (!closes || reach === 'any') return write({ user });
      const table = newTable();
      await write({ user, table });
      await closeNetwork({ table, user, reach });
    },
    async restore({ table, user }) {
      if (reach !== 'any' && table !== undefined && user !== undefined) await closeNetwork({ table, user, reach });
    },
  };
}

async function abilities(reach: GuestReach, log: Logger): Promise<{ ownUsers: boolean; closes: boolean }> {
  const anywhere = 'and what runs in them can connect to everything that this host can, its own services too';
  const root = process.getuid?.() === 0;
  const noUsers = root ? await failure(runAsUser(users.first)) : 'it does not run as root';
  if (noUsers !== undefined) {
    log.warn({ reason: noUsers }, `machines run as the same user as this server${reach === 'any' ? '' : `, ${anywhere}`}`);
    return { ownUsers: false, closes: false };
  }
  if (reach === 'any') return { ownUsers: true, closes: false };
  const open = await failure(tryNetwork({ table: newTable(), user: users.first, reach }));
  if (open === undefined) return { ownUsers: true, closes: true };
  log.warn({ reason: open }, `machines run as users of their own, but nothing holds their connections back, ${anywhere}`);
  return { ownUsers: true, closes: false };
}

async function runAsUser(user: number): Promise<void> {
  await runOnHost('setpriv', ['--reuid', String(user), '--regid', String(user), '--clear-groups', '--no-new-privs', 'true'], { cwd: '/' });
}

/** Why it does not work, or undefined when it does. */
async function failure(attempt: Promise<void>): Promise<string | undefined> {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    if (error instanceof HostCommandError) return error.message;
    throw error;
  }
}

/** A name never used before: whoever is late to remove a machine's table removes no other. */
function newTable(): string {
  return `murmur-${randomBytes(8).toString('hex')}`;
}
