import { create } from '@bufbuild/protobuf';
import { DockerSourceSchema, type Image, MurmurError } from '@murmur/api';
import type { Logger } from 'pino';

import { defaultReach, type GuestReach } from '../guest-reach.js';
import type { OwnedThing, ResolvedBase, Rights, Site, Substrate, Token } from '../substrate.js';
import { createBaseBuilder } from './base.js';
import { captureContainer } from './capture.js';
import { openChannel } from './channel.js';
import { asked, connectEngine, type Engine } from './engine.js';
import { exportArchive, notHere, openExports } from './export.js';
import { asHandle, type ImageReference, discardImage, imageExists, inspectImage, keepImage, listPending, referenceIn } from './images.js';
import { ofInstallation, ownerIn } from './labels.js';
import { containerName, guestFolder, hasContainer, launchContainer, removeContainer, runningContainer } from './machine.js';
import { openNetwork } from './network.js';
import { isPushed, type PushTarget, pushImage } from './push.js';
import { fetchBase, resolveInRegistry } from './registry.js';

/** The engine that the server uses unless its operator names another. */
const defaultSocket = '/var/run/docker.sock';

/** What the substrate is made with. */
export interface DockerOptions {
  /** What it keeps on the server's own host, for as long as a base is built, lies below it. */
  readonly dataDir: string;
  /** The engine's socket; {@link defaultSocket} unless given. */
  readonly socket?: string | undefined;
  /** This installation's id, which its network is named by. */
  readonly installation: string;
  /** What containers may connect to. */
  readonly reach?: GuestReach;
  readonly log: Logger;
  /** Where baked images are pushed; nowhere unless given. */
  readonly registry?: PushTarget | undefined;
}

/** This substrate has all that only some have, but connections to end. */
export type DockerSubstrate = Substrate & Required<Pick<Substrate, 'baseBuilder' | 'exportImage' | 'guard' | 'shellCommand'>>;

/** The substrate that runs machines as containers of a Docker Engine. Rejects when the engine does not answer. */
export async function createDockerSubstrate(options: DockerOptions): Promise<DockerSubstrate> {
  const { dataDir, registry, socket = defaultSocket } = options;
  const engine = await connectEngine(socket);
  await openExports(dataDir);
  const network = await openNetwork(engine, { reach: defaultReach, ...options });
  const site = { engine: engine.id } as unknown as Site;

  return {
    name: 'DOCKER',
    local: true,
    guestFolder,
    scope: () => 'docker-local',
    siteOf: () => site,
    serves: (other) => other['engine'] === engine.id,
    resolveBase: (_site, image, rights, signal) => resolveImage(engine, image, rights, signal, registry),
    async launch(spec, token, signal) {
      if (!imageIdPattern.test(spec.base.immutableId) && !(await hasContainer(engine, token, signal)))
        await fetchBase(engine, spec, signal, registry);
      await asked(signal, network.ensure);
      await launchContainer(engine, spec, token, { image: spec.base.immutableId, network: network.name }, signal);
      return { site, token, handle: { container: containerName(token) } };
    },
    guard: network.guard,
    async checkPlacement(_site, signal) {
      const { ApiVersion, Version } = await asked(signal, () => engine.docker.version());
      const pushes = registry === undefined ? 'images stay in it' : `images are also pushed to ${registry.repository}`;
      return [{ check: 'engine', outcome: 'ok', found: `Docker ${Version} (API ${ApiVersion}); ${pushes}` }];
    },
    async waitReady(machine, _keys, signal) {
      await runningContainer(engine, machine, signal);
    },
    channel: (machine, _keys, signal) => openChannel(engine, machine, signal),
    async capture(machine, _keys, artifact, signal) {
      const made = await captureContainer(engine, machine, artifact, signal);
      const reference: ImageReference =
        registry === undefined ? made : { ...made, pushed: await pushImage(engine, registry, made, signal) };
      const value = create(DockerSourceSchema, { imageRef: reference.pushed ?? reference.id });
      return { source: { case: 'docker', value }, reference: asHandle(reference) };
    },
    imageId: ({ id, pushed }) => (typeof pushed === 'string' ? pushed : typeof id === 'string' ? id : undefined),
    imageExists: (_site, reference, check, signal) => imageExists(engine, referenceIn(reference), check, signal),
    keepImage: (_site, reference, signal) => keepImage(engine, referenceIn(reference), signal),
    discardImage: (_site, reference, signal) => discardImage(engine, referenceIn(reference), signal, registry),
    destroy: (_site, token, signal) => removeContainer(engine, token, signal),
    listOwned: async (_site, installation, signal) => ({
      things: [...(await listContainers(engine, installation, signal)), ...(await listPending(engine, installation, signal))],
    }),
    baseBuilder: createBaseBuilder(engine, dataDir),
    async exportImage(_site, { credentialSecret, immutableId }, signal) {
      const pushed = registry !== undefined && credentialSecret === undefined && isPushed(registry, immutableId);
      // The engine may have one of another registry for somebody else.
      if (!imageIdPattern.test(immutableId) && !pushed) throw notHere(immutableId);
      return exportArchive(engine, immutableId, dataDir, signal);
    },
    shellCommand: async (machine) => `docker --host unix://${engine.socket} exec -it ${containerName(machine.token)} sh`,
  };
}

async function listContainers(engine: Engine, installation: string, signal: AbortSignal): Promise<OwnedThing[]> {
  const filters = JSON.stringify({ label: ofInstallation(installation) });
  const containers = await asked(signal, () => engine.docker.listContainers({ all: true, filters }));
  return containers.map(({ Created, Labels }) => {
    const token = (Labels['murmur.token'] ?? '') as Token;
    return { type: 'machine', token, owner: ownerIn(Labels), createdAt: Created * 1000, handle: { token } };
  });
}

const imageIdPattern = /^sha256:[0-9a-f]{64}$/;

async function resolveImage(
  engine: Engine,
  image: Image,
  rights: Rights,
  signal: AbortSignal,
  registry?: PushTarget,
): Promise<ResolvedBase> {
  if (image.source.case !== 'docker') throw new MurmurError('INVALID_ARGUMENT', `image "${image.name}" is not a Docker image`);
  const { imageRef } = image.source.value;
  if (!imageIdPattern.test(imageRef)) {
    if (registry === undefined || !isPushed(registry, imageRef) || image.source.value.pullCredentialSecret !== '')
      return resolveInRegistry(engine, image, rights, signal);
    // What was pushed is fetched with the operator's own credential, and so only for whom it was baked.
    if (await rights.mayUse(imageRef)) return { immutableId: imageRef, architecture: process.arch === 'arm64' ? 'ARM64' : 'AMD64' };
  }
  // Every tenant's images lie side by side in the engine, and an image written by hand can name any of them.
  const found = imageIdPattern.test(imageRef) && (await rights.mayUse(imageRef)) ? await inspectImage(engine, imageRef, signal) : undefined;
  if (found === undefined) {
    throw new MurmurError('FAILED_PRECONDITION', `image "${image.name}": ${imageRef} is not in the Docker engine of this server`, {
      hint: 'Build the base image again with "murmur base build --substrate docker", or bake the recipe again.',
    });
  }
  return { immutableId: found.Id, architecture: found.Architecture === 'arm64' ? 'ARM64' : 'AMD64' };
}
