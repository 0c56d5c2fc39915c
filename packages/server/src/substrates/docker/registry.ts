import { type Image, Architecture, MurmurError } from '@murmur/api';
import type Docker from 'dockerode';

import { type ArchitectureName, type LaunchSpec, PlatformFault, type ResolvedBase, type Rights } from '../substrate.js';
import { credentialIn, type RegistryCredential } from './credential.js';
import { asked, type Engine, reasonOf, statusOf } from './engine.js';
import { inspectImage, pulledTag } from './images.js';
import { lastError } from './progress.js';
import { isPushed, type PushTarget } from './push.js';
import { readReference, type RegistryReference } from './reference.js';

/** How the engine's manifest look-up answers. */
interface Distribution {
  readonly Descriptor: { readonly digest: string };
  readonly Platforms?: readonly { readonly architecture?: string; readonly os?: string }[];
}

/**
 * Pins an image in a registry to `name@digest`: with one call of the engine to the registry for a tag, and with none for a digest.
 * What its `pull_credential_secret` names must be there, and be the caller's to use.
 */
export async function resolveInRegistry(engine: Engine, image: Image, rights: Rights, signal: AbortSignal): Promise<ResolvedBase> {
  if (image.source.case !== 'docker') throw new TypeError('not a Docker image');
  const { imageRef, pullCredentialSecret: secret } = image.source.value;
  const reference = readReference(imageRef);
  const credential = secret === '' ? undefined : credentialIn(await rights.secret(secret), reference.host, secret);
  const architecture = Architecture[image.architecture] as ArchitectureName;
  const pinned = (digest: string): ResolvedBase => ({
    immutableId: `${reference.name}@${digest}`,
    architecture,
    ...(secret === '' ? {} : { credentialSecret: secret }),
  });
  if ('digest' in reference.version) return pinned(reference.version.digest);
  const found = await lookUp(engine, `${reference.name}:${reference.version.tag}`, reference, credential, signal);
  const offered = (found.Platforms ?? []).flatMap((platform) => platform.architecture ?? []);
  if (offered.length > 0 && !offered.includes(architecture.toLowerCase())) {
    throw new MurmurError(
      'FAILED_PRECONDITION',
      `image "${image.name}": ${imageRef} is for ${offered.join(', ')}, not ${architecture.toLowerCase()}`,
      {
        hint: 'Set the architecture of the image to what the registry has.',
      },
    );
  }
  return pinned(found.Descriptor.digest);
}

/**
 * Sees to it that a base of a registry is in the engine. One that is there already, be it for somebody else, is still asked for in
 * the registry: only its answer says that this credential may have it.
 */
export async function fetchBase(engine: Engine, spec: LaunchSpec, signal: AbortSignal, pushed?: PushTarget): Promise<void> {
  const { architecture, credentialSecret: secret, immutableId } = spec.base;
  const reference = readReference(immutableId);
  const value = secret === undefined ? undefined : await spec.secret?.(secret);
  // What is below the operator's own registry was resolved only for whom it was baked, or with a secret.
  const operators = pushed !== undefined && isPushed(pushed, immutableId) ? pushed.credential : undefined;
  const credential = secret === undefined || value === undefined ? operators : credentialIn(value, reference.host, secret);
  if ((await inspectImage(engine, immutableId, signal)) === undefined) await pull(engine, immutableId, spec, credential, signal);
  else await lookUp(engine, immutableId, reference, credential, signal);
  const found = await inspectImage(engine, immutableId, signal);
  if (found === undefined) throw new PlatformFault(`the Docker engine pulled ${immutableId} and does not have it`);
  if (found.Architecture !== architecture.toLowerCase()) {
    throw new MurmurError('FAILED_PRECONDITION', `${immutableId} is for ${found.Architecture}, not ${architecture.toLowerCase()}`);
  }
  // Says when it was last of use, by which the engine's copy goes one day.
  const { repo, tag } = pulledTag(found.Id);
  await asked(signal, () => engine.docker.getImage(immutableId).tag({ repo, tag }));
}

async function lookUp(
  engine: Engine,
  name: string,
  reference: RegistryReference,
  credential: RegistryCredential | undefined,
  signal: AbortSignal,
): Promise<Distribution> {
  return aboutImage(name, reference.host, () =>
    asked(
      signal,
      () => engine.docker.getImage(name).distribution({ ...withCredential(credential), abortSignal: signal }) as Promise<Distribution>,
    ),
  );
}

async function pull(
  engine: Engine,
  name: string,
  { base }: LaunchSpec,
  credential: RegistryCredential | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { host } = readReference(name);
  await aboutImage(name, host, async () => {
    const options = { platform: `linux/${base.architecture.toLowerCase()}`, ...withCredential(credential), abortSignal: signal };
    const reply = await asked(signal, () => engine.docker.pull(name, options) as Promise<NodeJS.ReadableStream>);
    const problem = await lastError(reply, signal);
    if (problem !== undefined) throw new Error(problem);
  });
}

function withCredential(authconfig: RegistryCredential | undefined): { authconfig?: Docker.AuthConfig } {
  return authconfig === undefined ? {} : { authconfig };
}

/** Tells what a registry says about an image from a registry that does not answer. */
async function aboutImage<T>(name: string, host: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'AbortError') throw error;
    const cause = error instanceof PlatformFault && error.cause instanceof Error ? error.cause : error;
    if (error instanceof PlatformFault && error.kind !== 'lost' && error.kind !== 'refused') throw error;
    const reason = reasonOf(cause);
    const status = statusOf(cause);
    if (status === 401 || status === 403 || /unauthorized|denied|authentication required|no basic auth/i.test(reason)) {
      throw new MurmurError('FAILED_PRECONDITION', `${host} does not give out ${name}: ${reason}`, {
        hint: 'Name a secret with a credential of that registry in docker.pull_credential_secret, or correct its value.',
        cause: error,
      });
    }
    if (status === 404 || /manifest unknown|not found|name unknown|no matching manifest/i.test(reason)) {
      throw new MurmurError('FAILED_PRECONDITION', `${name} is not in the registry: ${reason}`, {
        hint: 'Check docker.image_ref of the image.',
        cause: error,
      });
    }
    if (/no space left on device|disk quota exceeded/i.test(reason)) {
      throw new PlatformFault('the Docker engine has no disk space left', { cause: error, kind: 'no-room' });
    }
    throw new PlatformFault(`the registry ${host} does not answer: ${reason}`, { cause: error });
  }
}
