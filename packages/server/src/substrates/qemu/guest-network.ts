import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

import { isGone } from '../../host/process-start.js';
import type { GuestReach } from '../guest-reach.js';
import { runOnHost } from '../host-command.js';

/** Beside what the kernel calls the host's own: shared, link-local (a cloud's metadata), private, multicast and reserved addresses. */
const closed = {
  ip: [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16'],
    ...['224.0.0.0/3'],
  ],
  // The last two carry IPv4 addresses inside, private ones too.
  ip6: ['::/127', 'fc00::/7', 'fe80::/9', 'ff00::/8', '64:ff9b::/96', '64:ff9b:1::/48'],
};

/** A machine's network as the host's firewall knows it. */
export interface GuestNetwork {
  /** The table, which exists for as long as the machine. */
  readonly table: string;
  /** Whose connections it holds back. */
  readonly user: number;
  readonly reach: Exclude<GuestReach, 'any'>;
}

/** Closes the host's network to a machine that has not been started. */
export async function closeNetwork(network: GuestNetwork): Promise<void> {
  await runOnHost('nft', [tableOf(network, await nameservers())]);
}

/** Removes a machine's table, once nothing of the machine runs. */
export async function removeNetwork(table: string): Promise<void> {
  await runOnHost('nft', [removal(table)]);
}

/** Throws where the host's firewall does not take such a table. Nothing stays of it. */
export async function tryNetwork(network: GuestNetwork): Promise<void> {
  await runOnHost('nft', [`${tableOf(network, await nameservers())} delete table inet ${network.table};`]);
}

/** Adds it first, so that one that is not there can be removed too. */
function removal(table: string): string {
  return `add table inet ${table}; delete table inet ${table};`;
}

/**
 * QEMU makes the guest's connections itself, so they are its user's. Only the beginning of a connection is held back: the
 * answers on the port forwarded to the guest's SSH server go to the loopback too.
 */
function tableOf({ table, user, reach }: GuestNetwork, resolvers: readonly string[]): string {
  const prefixes = reach.filter((one) => one !== 'internet');
  const refuse = 'goto refuse';
  const rules = [
    `meta skuid != ${user} accept`,
    'tcp flags & (fin | syn | rst | ack) != syn accept',
    ...resolvers.map((address) => `${to(address)} meta l4proto { tcp, udp } th dport 53 accept`),
    ...prefixes.map((prefix) => `${to(prefix)} accept`),
    ...(reach.includes('internet')
      ? [
          `fib daddr type { local, broadcast, multicast } ${refuse}`,
          `ip daddr { ${closed.ip.join(', ')} } ${refuse}`,
          `ip6 daddr { ${closed.ip6.join(', ')} } ${refuse}`,
        ]
      : [refuse]),
  ];
  // A guest whose connection is reset knows it at once; one that QEMU only gets a message about waits until it gives up.
  const refusal = 'chain refuse { meta l4proto tcp reject with tcp reset; reject with icmpx port-unreachable; };';
  return `table inet ${table} { ${refusal} chain guest { type filter hook output priority filter; policy accept; ${rules.join('; ')}; }; };`;
}

function to(prefix: string): string {
  return `${prefix.includes(':') ? 'ip6' : 'ip'} daddr ${prefix}`;
}

/** The name servers that QEMU passes a guest's questions on to. */
async function nameservers(): Promise<readonly string[]> {
  try {
    const text = await readFile('/etc/resolv.conf', 'utf8');
    const found = [...text.matchAll(/^[ \t]*nameserver[ \t]+([^\s%]+)/gm)].flatMap(([, address = '']) =>
      isIP(address) === 0 ? [] : [address],
    );
    return [...new Set(found)];
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}
