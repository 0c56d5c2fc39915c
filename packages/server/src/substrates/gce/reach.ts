import { shellQuote } from '@murmur/api';

import { connectSsh, type SshChannel } from '../ssh.js';
import { type GuestKeys, type Machine, PlatformFault } from '../substrate.js';
import type { GuestAttributes, Instance } from './api.js';
import type { Cloud } from './cloud.js';
import { unless } from './faults.js';
import { assertRuns, instancePath, watchMachine, zoneOf } from './machine.js';
import { type GcePlace, placeOf } from './place.js';

/** Who logs in: Google's guest agent makes the user from the machine's metadata and lets it become root. */
export const loginUser = 'murmur-bake';

/** One attempt at a connection. */
const dialMs = 15_000;
/** A guest agent needs seconds for the user and its key. A login that is refused for longer stays so. */
const refusedMs = 3 * 60_000;

/** A connection to a machine that has booted. One that runs but has no address or host key yet is waited for. */
export function enterMachine(cloud: Cloud, machine: Machine, keys: GuestKeys, signal: AbortSignal): Promise<SshChannel> {
  return watchMachine(cloud, machine, signal, async (instance) => {
    await assertRuns(cloud, machine, instance, signal);
    return dial(cloud, machine, instance, keys, signal);
  });
}

/** Returns when the guest answers and has finished booting; says what is missing when it never does. */
export async function waitForMachine(cloud: Cloud, machine: Machine, keys: GuestKeys, signal: AbortSignal): Promise<void> {
  let runsSince: number | undefined;
  let refusedSince: number | undefined;
  let failure: unknown;
  await using channel = await watchMachine(cloud, machine, signal, async (instance) => {
    await assertRuns(cloud, machine, instance, signal);
    if (instance.status !== 'RUNNING') return undefined;
    runsSince ??= Date.now();
    try {
      const opened = await dial(cloud, machine, instance, keys, signal);
      if (opened !== undefined) return opened;
      failure = undefined;
    } catch (error) {
      signal.throwIfAborted();
      failure = error;
    }
    if (isLoginRefused(failure)) refusedSince ??= Date.now();
    else refusedSince = undefined;
    const isRefused = refusedSince !== undefined && Date.now() - refusedSince >= Math.min(refusedMs, cloud.times.bootMs);
    if (isRefused) throw loginRefused(failure);
    if (Date.now() - runsSince >= cloud.times.bootMs) throw outOfReach(placeOf(machine.site), instance, failure);
    return undefined;
  });
  await channel.run(settleCommand, { signal });
}

/**
 * Waits until the guest has booted, and leaves a program in its memory that removes the user we log in as when it goes down: by
 * then nobody can log in any more, and the image is to be nobody's machine.
 */
const settleCommand = `[ -d /run/systemd/system ] || exit 0
systemctl is-system-running --wait
systemctl is-active --quiet murmur-forget && exit 0
cat >/run/murmur-forget <<'forget'
u=${loginUser}
for file in /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/subuid /etc/subgid /var/lib/google/google_users; do
  [ ! -e "$file" ] || sed -i -e "/^$u\\(:\\|$\\)/d" -e "s/\\([:,]\\)$u\\(,\\|$\\)/\\1/; s/,$//" "$file"
done
rm -rf "/home/$u" "/var/mail/$u" /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow-
sync
forget
systemd-run --quiet --unit=murmur-forget --remain-after-exit --property='ExecStop=/bin/sh /run/murmur-forget' true
true`;

/** Undefined while the machine has no address, or has not said its host key. */
async function dial(
  cloud: Cloud,
  machine: Machine,
  instance: Instance,
  keys: GuestKeys,
  signal: AbortSignal,
): Promise<SshChannel | undefined> {
  const host = addressOf(placeOf(machine.site), instance);
  const hostPublic = host === undefined ? undefined : await hostKeyOf(cloud, machine, signal);
  if (host === undefined || hostPublic === undefined) return undefined;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(dialMs)]);
  return asRoot(await connectSsh({ host, port: 22, username: loginUser, keys: { ...keys, hostPublic }, signal: limited }));
}

/** The key that the guest's agent has told Google, over the machine's own metadata server, when it made it. */
async function hostKeyOf(cloud: Cloud, machine: Machine, signal: AbortSignal): Promise<string | undefined> {
  const path = `${instancePath(machine.site, zoneOf(machine), machine.token)}/getGuestAttributes`;
  const found = await cloud.places
    .of(machine.site)
    .ask<GuestAttributes>(signal, { method: 'GET', path, query: { queryPath: 'hostkeys/' } })
    .catch(unless('notFound'));
  const value = found?.queryValue?.items?.find(({ key }) => key === 'ssh-ed25519')?.value;
  return value === undefined || !/^[A-Za-z0-9+/]+=*$/.test(value) ? undefined : `ssh-ed25519 ${value}`;
}

/** The same connection, on which every command is root's. */
function asRoot(channel: SshChannel): SshChannel {
  const become = (command: string) => `sudo -n -H -- sh -c ${shellQuote(`cd; ${command}`)}`;
  return {
    get lost() {
      return channel.lost;
    },
    run: (command, options) => channel.run(become(command), options),
    stream: (command, sink, options) => channel.stream(become(command), sink, options),
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  };
}

function addressOf({ publicIp }: Pick<GcePlace, 'publicIp'>, { networkInterfaces: [card] = [] }: Instance): string | undefined {
  return publicIp ? card?.accessConfigs?.[0]?.natIP : card?.networkIP;
}

function isLoginRefused(error: unknown): boolean {
  return error instanceof Error && error.message.includes('refuses the login');
}

function loginRefused(cause: unknown): PlatformFault {
  const why = 'its guest agent did not take the key from the metadata: is OS Login enforced by a policy of the organisation?';
  return new PlatformFault(`the machine refuses the login as ${loginUser}: ${why}`, { cause, kind: 'refused' });
}

/** What is missing between the server and a machine that runs. */
function outOfReach({ publicIp }: GcePlace, instance: Instance, cause: unknown): PlatformFault {
  const host = addressOf({ publicIp }, instance);
  const machine = `machine ${instance.name} runs, but`;
  if (host === undefined) return new PlatformFault(`${machine} has no ${publicIp ? 'external ' : ''}address`);
  if (cause === undefined) {
    const why = "its image needs Google's guest agent, and the project must let guest attributes be";
    return new PlatformFault(`${machine} did not say its host key: ${why}`);
  }
  const way = publicIp
    ? `external address ${host}`
    : `address ${host}, where the server needs a route to, or the placement assign_public_ip`;
  const said = cause instanceof Error ? ` (${cause.message})` : '';
  return new PlatformFault(`${machine} does not answer at its ${way}; a firewall rule must let port 22 in${said}`, { cause });
}
