import { PlatformFault } from '../substrate.js';
import type { RegistryCredential } from './credential.js';
import { asked, type Engine, reasonOf } from './engine.js';
import { lastError } from './progress.js';
import { readReference } from './reference.js';
import { callRegistry } from './registry-call.js';

/** Where the operator wants baked images pushed. */
export interface PushTarget {
  /** Host and path below which each image gets a repository of its own. */
  readonly repository: string;
  readonly credential?: RegistryCredential | undefined;
}

/** The tag under which an image is pushed. */
export function pushedTag(target: PushTarget, name: string): string {
  return `${target.repository}/${name}:latest`;
}

/** Whether a reference is below where images are pushed. */
export function isPushed(target: PushTarget, reference: string): boolean {
  return readReference(reference).name.startsWith(`${target.repository}/`);
}

/** Pushes an image and returns `name@digest`. Repeated, it pushes what is missing and returns the same. */
export async function pushImage(
  engine: Engine,
  target: PushTarget,
  image: { id: string; name: string },
  signal: AbortSignal,
): Promise<string> {
  const repo = `${target.repository}/${image.name}`;
  await asked(signal, () => engine.docker.getImage(image.id).tag({ repo, tag: 'latest' }));
  let digest: string | undefined;
  let problem: string | undefined;
  try {
    const options = {
      tag: 'latest',
      abortSignal: signal,
      authconfig: target.credential ?? { username: '', password: '', serveraddress: '' },
    };
    const reply = await asked(signal, () => engine.docker.getImage(repo).push(options) as Promise<NodeJS.ReadableStream>);
    problem = await lastError(reply, signal, (line) => {
      const { aux } = line as { readonly aux?: { readonly Digest?: string } };
      digest = aux?.Digest ?? digest;
    });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error) || error instanceof PlatformFault) throw error;
    problem = reasonOf(error);
  }
  if (problem !== undefined || digest === undefined) {
    throw new PlatformFault(`the image was not pushed to ${target.repository}: ${problem ?? 'the engine names no digest'}`);
  }
  return `${repo}@${digest}`;
}

/** Removes a pushed image from its registry, where that lets images be removed; what it keeps, it keeps. */
export async function removePushed(target: PushTarget, pushed: string, signal: AbortSignal): Promise<void> {
  const { host, name, version } = readReference(pushed);
  if (!('digest' in version)) return;
  const path = `${name.slice(host.length + 1)}/manifests/${version.digest}`;
  const status = await callRegistry({ method: 'DELETE', host, path }, target.credential, signal);
  if (status >= 500) throw new PlatformFault(`the registry ${host} answers ${status}`);
}
