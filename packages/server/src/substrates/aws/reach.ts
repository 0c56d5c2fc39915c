import type { Instance } from '@aws-sdk/client-ec2';

import { connectSsh, type SshChannel } from '../ssh.js';
import { type GuestKeys, type Machine, PlatformFault } from '../substrate.js';
import type { Cloud } from './cloud.js';
import { assertRuns, watchMachine } from './machine.js';
import { type AwsPlace, placeOf } from './place.js';

/** One attempt at a connection. */
const dialMs = 15_000;

/** A connection to a machine that has booted. One that runs but has no address yet is waited for. */
export function enterMachine(cloud: Cloud, machine: Machine, keys: GuestKeys, signal: AbortSignal): Promise<SshChannel> {
  const place = placeOf(machine.site);
  return watchMachine(cloud, machine, signal, async (instance) => {
    assertRuns(instance);
    const host = addressOf(place, instance);
    return host === undefined ? undefined : dial(host, keys, signal);
  });
}

/** Returns when the guest answers and has finished booting; says which way to it is missing when it never does. */
export async function waitForMachine(cloud: Cloud, machine: Machine, keys: GuestKeys, signal: AbortSignal): Promise<void> {
  const place = placeOf(machine.site);
  let runsSince: number | undefined;
  let refusal: unknown;
  await using channel = await watchMachine(cloud, machine, signal, async (instance) => {
    assertRuns(instance);
    if (instance.State?.Name !== 'running') return undefined;
    runsSince ??= Date.now();
    const host = addressOf(place, instance);
    try {
      if (host !== undefined) return await dial(host, keys, signal);
    } catch (error) {
      signal.throwIfAborted();
      // Until the guest has read its keys, a wrong one is as good as none.
      refusal = error;
    }
    if (Date.now() - runsSince >= cloud.times.bootMs) throw outOfReach(place, instance, refusal);
    return undefined;
  });
  await channel.run('if [ -d /run/systemd/system ]; then systemctl is-system-running --wait; fi; true', { signal });
}

function addressOf({ publicIp }: AwsPlace, instance: Instance): string | undefined {
  if (instance.State?.Name !== 'running') return undefined;
  return publicIp ? instance.PublicIpAddress : instance.PrivateIpAddress;
}

function dial(host: string, keys: GuestKeys, signal: AbortSignal): Promise<SshChannel> {
  return connectSsh({ host, port: 22, keys, signal: AbortSignal.any([signal, AbortSignal.timeout(dialMs)]) });
}

/** What is missing between the server and a machine that runs. */
function outOfReach({ publicIp, securityGroup }: AwsPlace, instance: Instance, cause: unknown): unknown {
  const { InstanceId: id, PrivateIpAddress: privateAddress, PublicIpAddress: publicAddress, SubnetId: subnet } = instance;
  const host = publicIp ? publicAddress : privateAddress;
  const said = cause instanceof Error ? cause.message : '';
  if (host === undefined) {
    const way = `subnet ${subnet} gives it no public address: it needs a route to an internet gateway`;
    return new PlatformFault(`machine ${id} runs, but ${way}`, { cause });
  }
  // Somebody answers there, so that the way is not what is missing.
  if (/ECONNREFUSED|refuses|host key/.test(said)) return cause;
  const way = publicIp
    ? `the internet to ${host}: subnet ${subnet} needs a route to an internet gateway`
    : `the server's network to the private address ${host}: subnet ${subnet} needs a route to it, or the placement assign_public_ip`;
  return new PlatformFault(`machine ${id} runs, but there is no way from ${way}, and group ${securityGroup} must let port 22 in`, {
    cause,
  });
}
