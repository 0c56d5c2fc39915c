import { reachRules, refusalChain } from '../guest-firewall.js';
import type { GuestReach } from '../guest-reach.js';
import { runOnHost } from '../host-command.js';

/** A machine's network as the host's firewall knows it. */
export interface GuestNetwork {
  /** The table, which exists for as long as the machine. */
  readonly table: string;
  /** Whose connections it holds back. */
  readonly user: number;
  readonly reach: Exclude<GuestReach, 'any'>;
}

/** Closes the host's network to a machine. */
export async function closeNetwork(network: GuestNetwork): Promise<void> {
  await runOnHost('nft', [await tableOf(network)]);
}

/** Throws where the host's firewall does not take such a table. Nothing stays of it. */
export async function tryNetwork(network: GuestNetwork): Promise<void> {
  await runOnHost('nft', [`${await tableOf(network)} delete table inet ${network.table};`]);
}

/**
 * QEMU makes the guest's connections itself, so they are its user's. Only the beginning of a connection is held back: the
 * answers on the port forwarded to the guest's SSH server go to the loopback too.
 */
async function tableOf({ reach, table, user }: GuestNetwork): Promise<string> {
  const rules = [`meta skuid != ${user} accept`, 'tcp flags & (fin | syn | rst | ack) != syn accept', ...(await reachRules(reach))];
  return `table inet ${table} { ${refusalChain} chain guest { type filter hook output priority filter; policy accept; ${rules.join('; ')}; }; };`;
}
