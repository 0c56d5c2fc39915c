import type { Instance } from '@aws-sdk/client-ec2';

import { growingPause } from '../cloud/pauses.js';
import { EndedByGuest, type Machine, PlatformFault, type Site, type Token } from '../substrate.js';
import type { Cloud } from './cloud.js';
import { kindOfReason } from './faults.js';
import { listsOf, withIds } from './lists.js';
import { tagged, tagOf } from './tags.js';

/** The states of an instance that is there. */
const present = ['pending', 'running', 'stopping', 'stopped'];

/** The id of a machine's instance. */
export function instanceIdOf({ handle }: Machine): string {
  return String(handle['instanceId'] as string);
}

/** The instances of a token that are there, as far as they are to be seen. */
export function presentOf(cloud: Cloud, site: Site, token: Token, signal: AbortSignal): Promise<Instance[]> {
  const states = { Name: 'instance-state-name', Values: present };
  return listsOf(cloud, site, token, signal).instances([tagged('token', token), states]);
}

/** The machine of a launched instance. */
export function machineFrom(site: Site, token: Token, { InstanceId: instanceId }: Instance): Machine {
  if (instanceId === undefined) throw new PlatformFault('AWS answered a launch without a machine', { kind: 'slow-down' });
  return { site, token, handle: { instanceId } };
}

/**
 * Looks at a machine until `look` has an answer. A machine that was launched a moment ago may not be seen for minutes; only one
 * that stays unseen is lost.
 */
export async function watchMachine<T>(
  cloud: Cloud,
  machine: Machine,
  signal: AbortSignal,
  look: (instance: Instance) => Promise<T | undefined>,
): Promise<T> {
  const { site, token } = machine;
  const lists = listsOf(cloud, site, token, signal);
  const pause = growingPause(cloud.times.machine, 'even', signal);
  for (let unseenFrom = Date.now(); ; await pause()) {
    const [instance] = await lists.instances(withIds('instance-id', [instanceIdOf(machine)]));
    if (instance === undefined) {
      if (Date.now() - unseenFrom >= cloud.times.unseenMs) throw new PlatformFault('the machine is gone');
      continue;
    }
    unseenFrom = Date.now();
    const answer = await look(instance);
    if (answer !== undefined) return answer;
  }
}

/** Throws why a machine that should run does not. */
export function assertRuns(instance: Instance): void {
  const state = instance.State?.Name;
  if (state === 'pending' || state === 'running') return;
  const { Code: code = '', Message: message = '' } = instance.StateReason ?? {};
  if (code === 'Client.InstanceInitiatedShutdown' && !isOver(instance)) throw new EndedByGuest('off');
  throw new PlatformFault(`the machine is ${state}${code === '' ? '' : `: ${message === '' ? code : message}`}`, {
    kind: kindOfReason(code),
  });
}

/** Whether a machine's own timer may have ended it. */
function isOver({ LaunchTime, Tags }: Instance): boolean {
  const seconds = Number(tagOf(Tags, 'lifetime'));
  return LaunchTime === undefined || Date.now() >= LaunchTime.getTime() + seconds * 1000;
}
