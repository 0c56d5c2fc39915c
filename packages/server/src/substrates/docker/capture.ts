import type { ImageInspectInfo } from 'dockerode';

import { type Machine, type Owner, PlatformFault, type Token } from '../substrate.js';
import { asked, type Engine, unlessStatus } from './engine.js';
import { type ImageReference, inspectImage, pendingRepository, pendingTag } from './images.js';
import { labelsOf } from './labels.js';
import { containerName, runningContainer } from './machine.js';

/**
 * Commits a machine's container to an image with the configuration of its base, and stops nothing: the container is paused
 * meanwhile. Repeated, it finds the image by the token in its tag, also after its container is gone.
 */
export async function captureContainer(
  engine: Engine,
  machine: Machine,
  artifact: { name: string; token: Token; owner: Owner },
  signal: AbortSignal,
): Promise<ImageReference> {
  const made = await inspectImage(engine, pendingTag(artifact.token), signal);
  if (made !== undefined) return { id: made.Id, token: artifact.token, name: artifact.name };
  const container = await runningContainer(engine, machine, signal);
  const base = await inspectImage(engine, container.Image, signal);
  if (base === undefined) throw new PlatformFault('the base image of the container is gone from the Docker engine');
  const { docker } = engine;
  const image = await asked(signal, async () => {
    // The reply to an earlier try may have been lost.
    const earlier = await unlessStatus(404, docker.getImage(pendingTag(artifact.token)).inspect());
    if (earlier !== undefined) return earlier.Id;
    await docker.getContainer(containerName(machine.token)).commit({
      repo: pendingRepository,
      tag: artifact.token,
      pause: true,
      ...configurationOf(base, { ...labelsOf(artifact.owner, artifact.token), 'murmur.artifact': artifact.name }),
    });
    return (await docker.getImage(pendingTag(artifact.token)).inspect()).Id;
  });
  return { id: image, token: artifact.token, name: artifact.name };
}

/** The base's own configuration. An empty entry point is said to be empty, or the engine would take the scratch container's. */
function configurationOf({ Config }: ImageInspectInfo, labels: Record<string, string>) {
  const { Labels, Entrypoint, ...rest } = Config as { Labels?: Record<string, string> | null; Entrypoint?: string[] | null };
  return { ...rest, Entrypoint: Entrypoint ?? [], Labels: { ...Labels, ...labels } };
}
