import type { ContainerCreateOptions, ContainerInspectInfo } from 'dockerode';

import { type LaunchSpec, type Machine, PlatformFault, type Token } from '../substrate.js';
import { asked, type Engine, reasonOf, statusOf, unlessStatus } from './engine.js';
import { labelsOf } from './labels.js';

/** Where the supervisor lives: below `/dev`, which is memory in every container, so that no layer ever holds a trace of it. */
export const guestFolder = '/dev/murmur';

/** Enough for any build, and an end for what only multiplies. */
const mostProcesses = 4096;
const bytesPerMb = 1024 * 1024;

/**
 * The first process, which lasts for the machine's lifetime. A shell that waits takes in orphans that have ended as any init does;
 * the engine's own would be mounted on a file in the image's layer.
 */
const initProcess = 'sleep "$1" & wait';

/** The container's name: one for each create, so that a repeated create finds the first. */
export function containerName(token: Token): string {
  return `murmur-${token}`;
}

/**
 * Makes and starts the container of a token, or finds it. It holds nothing of the host: no mounts, no privilege, the engine's
 * own seccomp profile, and the network of Murmur's containers. It ends by itself after its lifetime, and the engine then removes it.
 */
export async function launchContainer(
  engine: Engine,
  spec: LaunchSpec,
  token: Token,
  place: { readonly image: string; readonly network: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const { image } = place;
  const { docker } = engine;
  const base = await asked(signal, () => unlessStatus(404, docker.getImage(image).inspect()));
  if (base === undefined) throw new PlatformFault(`the base image ${image} is gone from the Docker engine`);
  const container = docker.getContainer(containerName(token));
  await asked(signal, async () => {
    try {
      await docker.createContainer(createOptions(spec, token, place, base.Config));
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
      const there = await unlessStatus(404, container.inspect());
      // One that is being removed goes within moments; the next try makes it anew.
      if (there?.Config.Labels?.['murmur.token'] !== token)
        throw new PlatformFault(`the container's name is taken: ${reasonOf(error as Error)}`, { cause: error });
    }
  });
  await asked(signal, () => unlessStatus(304, container.start()));
}

function createOptions(
  spec: LaunchSpec,
  token: Token,
  { image, network }: { readonly image: string; readonly network: string | undefined },
  base: { readonly User?: string; readonly Healthcheck?: unknown },
): ContainerCreateOptions {
  return {
    name: containerName(token),
    Image: image,
    Labels: labelsOf(spec.owner, token),
    // The entry point alone: what the container adds to its image's configuration would otherwise end up in the captured one.
    Entrypoint: ['sh', '-c', initProcess, 'murmur', String(spec.lifetimeSeconds)],
    Cmd: [],
    ...(base.User === undefined || base.User === '' ? {} : { User: 'root' }),
    ...(base.Healthcheck === undefined ? {} : { Healthcheck: { Test: ['NONE'] } }),
    HostConfig: {
      ...(network === undefined ? {} : { NetworkMode: network }),
      AutoRemove: true,
      Memory: spec.memoryMb * bytesPerMb,
      MemorySwap: spec.memoryMb * bytesPerMb,
      NanoCpus: spec.vcpus * 1e9,
      PidsLimit: mostProcesses,
      Tmpfs: { [guestFolder]: 'rw,exec,nosuid,mode=0700,size=48m' },
      LogConfig: { Type: 'none', Config: {} },
    },
  };
}

/** Whether the container of a token was made before. */
export async function hasContainer(engine: Engine, token: Token, signal: AbortSignal): Promise<boolean> {
  return (await asked(signal, () => unlessStatus(404, engine.docker.getContainer(containerName(token)).inspect()))) !== undefined;
}

/** The running container of a machine. Throws {@link PlatformFault} when it is gone or stopped. */
export async function runningContainer(engine: Engine, machine: Machine, signal: AbortSignal): Promise<ContainerInspectInfo> {
  const found = await asked(signal, () => unlessStatus(404, engine.docker.getContainer(containerName(machine.token)).inspect()));
  if (found === undefined || !found.State.Running) throw new PlatformFault('the container is gone');
  return found;
}

/** Removes the container of a token with its anonymous volumes. Gone already is success. */
export async function removeContainer(engine: Engine, token: Token, signal: AbortSignal): Promise<void> {
  const container = engine.docker.getContainer(containerName(token));
  await asked(signal, async () => {
    try {
      await container.remove({ force: true, v: true });
    } catch (error) {
      if (statusOf(error) === 404) return;
      if (statusOf(error) !== 409) throw error;
      // Somebody is removing it already, the engine itself perhaps.
      await unlessStatus(404, container.wait({ condition: 'removed' }));
    }
  });
}
