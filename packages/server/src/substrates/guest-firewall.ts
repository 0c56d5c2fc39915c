import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

import { isGone } from '../host/process-start.js';
import type { GuestReach } from './guest-reach.js';
import { runOnHost } from './host-command.js';

/** Beside what the kernel calls the host's own: shared, link-local (a cloud's metadata), private, multicast and reserved addresses. */
const closed = {
  ip: [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16'],
    ...['224.0.0.0/3'],
  ],
  // The last two carry IPv4 addresses inside, private ones too.
  ip6: ['::/127', 'fc00::/7', 'fe80::/9', 'ff00::/8', '64:ff9b::/96', '64:ff9b:1::/48'],
};

const refuse = 'goto refuse';

/**
 * The chain that the rules of {@link reachRules} go to. A guest whose connection is reset knows it at once; one that gets only a
 * message about it waits until it gives up.
 */
export const refusalChain = 'chain refuse { meta l4proto tcp reject with tcp reset; reject with icmpx port-unreachable; };';

/** The rules of a chain of the host's firewall, in which nothing but guests' connections are left, that let out what they may reach. */
export async function reachRules(reach: Exclude<GuestReach, 'any'>): Promise<readonly string[]> {
  const prefixes = reach.filter((one) => one !== 'internet');
  return [
    ...(await nameservers()).map((address) => `${to(address)} meta l4proto { tcp, udp } th dport 53 accept`),
    ...prefixes.map((prefix) => `${to(prefix)} accept`),
    ...(reach.includes('internet')
      ? [
          `fib daddr type { local, broadcast, multicast } ${refuse}`,
          `ip daddr { ${closed.ip.join(', ')} } ${refuse}`,
          `ip6 daddr { ${closed.ip6.join(', ')} } ${refuse}`,
        ]
      : [refuse]),
  ];
}

/** Removes a table. Gone already is success. */
export async function removeTable(table: string): Promise<void> {
  // Added first, so that one that is not there can be removed too.
  await runOnHost('nft', [`add table inet ${table}; delete table inet ${table};`]);
}

/** The names of all tables of the family that the rules of guests are in. */
export async function tablesThere(): Promise<ReadonlySet<string>> {
  const text = await runOnHost('nft', ['list', 'tables', 'inet']);
  return new Set([...text.matchAll(/^table inet (\S+)$/gm)].flatMap(([, name]) => name ?? []));
}

function to(prefix: string): string {
  return `${prefix.includes(':') ? 'ip6' : 'ip'} daddr ${prefix}`;
}

/** Beside the usual file, where a stub on the loopback is in that: Docker then has its containers ask the servers behind it. */
const resolverFiles = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

/** The name servers that a guest's questions are passed on to. */
async function nameservers(): Promise<readonly string[]> {
  const texts = await Promise.all(resolverFiles.map(readOrNothing));
  const found = [...texts.join('\n').matchAll(/^[ \t]*nameserver[ \t]+([^\s%]+)/gm)].flatMap(([, address = '']) =>
    isIP(address) === 0 ? [] : [address],
  );
  return [...new Set(found)];
}

async function readOrNothing(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isGone(error)) return '';
    throw error;
  }
}
