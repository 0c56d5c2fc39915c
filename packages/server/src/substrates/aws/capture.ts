import type { Image, Instance } from '@aws-sdk/client-ec2';
import { MurmurError } from '@murmur/api';

import { growingPause } from '../cloud/pauses.js';
import { type Artifact, type CaptureSpec, type GuestKeys, type Machine, PlatformFault, type Token } from '../substrate.js';
import type { Cloud } from './cloud.js';
import { codeOf, kindOf } from './faults.js';
import { artifactOf, removeAmi } from './images.js';
import { listsOf, withIds } from './lists.js';
import { assertRuns, instanceIdOf, watchMachine } from './machine.js';
import { enterMachine } from './reach.js';
import { ownerOf, tagged, tagOf, tagsOf, tagSpecifications } from './tags.js';
import { disarmCommand } from './user-data.js';

/** So many images of one stopped machine may fail before the bake gets a fresh one. */
const mostFailed = 3;
/** A guest that does not go down by itself is cut off after this long. */
const stopMs = 5 * 60_000;
/** Taking out the timer is worth this long. */
const disarmMs = 30_000;
/** The log hears of an image that takes its time this often. */
const tellMs = 5 * 60_000;

/**
 * Stops the machine and makes an AMI of its disk, or goes on with the one that was begun with the token: however long that
 * takes. The call that makes an image takes no token, so that whatever came of it is looked for by ours before it is made again.
 */
export async function captureMachine(
  cloud: Cloud,
  machine: Machine,
  keys: GuestKeys,
  spec: CaptureSpec,
  signal: AbortSignal,
): Promise<Artifact> {
  let reason = '';
  for (let failed = 0; failed < mostFailed; failed++) {
    const begun = (await findImage(cloud, machine, spec, signal)) ?? (await beginImage(cloud, machine, keys, spec, signal));
    const ended = await waitForImage(cloud, machine, spec, begun, signal);
    if (ended.State === 'available') return artifactOf(machine.site, ended);
    reason = ended.StateReason?.Message ?? ended.StateReason?.Code ?? 'AWS does not say why';
    await spec.tell?.(`image ${ended.ImageId} failed (${reason}); the same machine gets another one`);
    await removeAmi(cloud, machine.site, ended, signal);
  }
  throw new PlatformFault(`${mostFailed} images of the machine failed: ${reason}`, { kind: 'image-failed' });
}

async function findImage(cloud: Cloud, { site }: Machine, { token }: CaptureSpec, signal: AbortSignal): Promise<string | undefined> {
  const found = await listsOf(cloud, site, token, signal).images([tagged('token', token)]);
  return found[0]?.ImageId;
}

/** Stops the machine and asks for its image. Returns the id of the image. */
async function beginImage(cloud: Cloud, machine: Machine, keys: GuestKeys, spec: CaptureSpec, signal: AbortSignal): Promise<string> {
  const account = cloud.accounts.of(machine.site, spec.token);
  await stopMachine(cloud, machine, keys, spec.token, signal);
  const tags = tagsOf(spec.owner, spec.token);
  const request = {
    InstanceId: instanceIdOf(machine),
    Name: spec.name,
    NoReboot: true,
    TagSpecifications: tagSpecifications(['image', 'snapshot'], tags),
  };
  const pause = growingPause(cloud.times.machine, 'even', signal);
  for (const until = Date.now() + cloud.times.unseenMs; ; await pause()) {
    try {
      const { ImageId } = await account.askOnce(signal, (client) => client.send(new cloud.ec2.CreateImageCommand(request)));
      if (ImageId !== undefined) return ImageId;
    } catch (error) {
      const taken = codeOf(error) === 'InvalidAMIName.Duplicate';
      const kind = kindOf(error instanceof PlatformFault ? error.cause : error);
      if (!taken && kind !== 'slow-down' && kind !== 'not-yet') throw error;
      if (Date.now() > until) throw taken ? nameTaken(spec.name) : error;
      if (taken) await clearName(cloud, machine, spec, signal);
    }
    const made = await findImage(cloud, machine, spec, signal);
    if (made !== undefined) return made;
  }
}

/**
 * Removes an image that a dead attempt of the same run left under the name. Our own is left alone, and one that is not to be seen
 * yet is waited for.
 */
async function clearName(cloud: Cloud, { site }: Machine, spec: CaptureSpec, signal: AbortSignal): Promise<void> {
  for (const one of await listsOf(cloud, site, spec.token, signal).images([{ Name: 'name', Values: [spec.name] }])) {
    if (tagOf(one.Tags, 'token') === spec.token) continue;
    const { installation, runId } = ownerOf(one.Tags);
    if (installation !== spec.owner.installation || runId !== spec.owner.runId) throw nameTaken(spec.name, one.ImageId);
    await removeAmi(cloud, site, one, signal);
  }
}

function nameTaken(name: string, id?: string): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', `AMI name "${name}" is already taken${id === undefined ? '' : ` by ${id}`}`, {
    hint: 'Deregister that image, or bake with --force-new.',
  });
}

/** Stops a machine after taking out the timer that would terminate it. Throws when somebody else ended or stopped it. */
async function stopMachine(cloud: Cloud, machine: Machine, keys: GuestKeys, token: Token, signal: AbortSignal): Promise<void> {
  const account = cloud.accounts.of(machine.site, token);
  const stop = (how: { Force?: boolean }) => {
    const request = new cloud.ec2.StopInstancesCommand({ InstanceIds: [instanceIdOf(machine)], ...how });
    return account.ask(signal, (client) => client.send(request), 'patient');
  };
  let since: number | undefined;
  let isForced = false;
  await watchMachine(cloud, machine, signal, async (instance) => {
    const state = instance.State?.Name;
    if (state === 'stopped' && isAskedFor(instance)) return true;
    if (state === 'running' && since === undefined) {
      await disarm(cloud, machine, keys, signal);
      await stop({});
    } else if (state !== 'stopping') assertRuns(instance);
    since ??= Date.now();
    if (!isForced && Date.now() - since > stopMs) {
      isForced = true;
      await stop({ Force: true });
    }
    return undefined;
  });
}

/** A machine that the platform stopped was lost in the middle of something. */
function isAskedFor({ StateReason }: Instance): boolean {
  return StateReason?.Code === undefined || StateReason.Code === 'Client.UserInitiatedShutdown';
}

/** Takes the timer out where that can be done; an hour is left of it where it cannot. */
async function disarm(cloud: Cloud, machine: Machine, keys: GuestKeys, signal: AbortSignal): Promise<void> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(disarmMs)]);
  try {
    await using channel = await enterMachine(cloud, machine, keys, limited);
    await channel.run(disarmCommand, { signal: limited });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PlatformFault || error instanceof MurmurError || limited.aborted)) throw error;
  }
}

/** Looks at an image until it is whole or has failed. */
async function waitForImage(cloud: Cloud, { site }: Machine, spec: CaptureSpec, id: string, signal: AbortSignal): Promise<Image> {
  const lists = listsOf(cloud, site, spec.token, signal);
  const pause = growingPause(cloud.times.image, 'even', signal);
  let unseenFrom = Date.now();
  for (let told = Date.now(); ; await pause()) {
    const [image] = await lists.images(withIds('image-id', [id]));
    if (image?.State === 'available' || image?.State === 'failed' || image?.State === 'error') return image;
    if (image !== undefined) unseenFrom = Date.now();
    else if (Date.now() - unseenFrom >= cloud.times.unseenMs) throw new PlatformFault(`image ${id} is gone`, { kind: 'image-failed' });
    if (Date.now() - told < tellMs) continue;
    told = Date.now();
    const [snapshot] = await lists.snapshots([tagged('token', spec.token)]);
    await spec.tell?.(
      `AWS is still making image ${id}${snapshot?.Progress === undefined ? '' : `: ${snapshot.Progress} of the disk is stored`}`,
    );
  }
}
