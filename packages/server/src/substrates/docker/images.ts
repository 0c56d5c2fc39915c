import type { ImageInspectInfo } from 'dockerode';

import type { ExistenceCheck, Handle, OwnedThing, Token } from '../substrate.js';
import { asked, type Engine, statusOf, unlessStatus } from './engine.js';
import { ofInstallation, ownerIn } from './labels.js';
import { layersAreWhole } from './layers.js';
import { type PushTarget, pushedTag, removePushed } from './push.js';

/** An image that no catalog entry names yet is tagged in this repository with its capture's token; a kept one is not. */
export const pendingRepository = 'murmur-pending';

/** The tag under which a captured image waits to be kept. */
export function pendingTag(token: string): string {
  return `${pendingRepository}:${token}`;
}

/** Images that were pulled are tagged in this repository at each use, so that those of no use any more are known. */
export const pulledRepository = 'murmur-pulled';

/** The tag of a pulled image, by its id. */
export function pulledTag(id: string): { readonly repo: string; readonly tag: string } {
  return { repo: pulledRepository, tag: id.replace('sha256:', '') };
}

/** How the database refers to a captured image. */
export interface ImageReference {
  /** The engine's id of the image, `sha256:…`. */
  readonly id: string;
  readonly token: string;
  /** The name it is kept under. */
  readonly name: string;
  /** `name@digest` in the operator's registry, if it was pushed. */
  readonly pushed?: string | undefined;
}

/** A reference as the port hands it around. */
export function asHandle({ id, name, pushed, token }: ImageReference): Handle {
  return { id, name, token, ...(pushed === undefined ? {} : { pushed }) };
}

/** A reference that came through the port. */
export function referenceIn({ id, name, pushed, token }: Handle): ImageReference {
  if (typeof id !== 'string' || typeof name !== 'string' || typeof token !== 'string')
    throw new TypeError('not a reference to a Docker image');
  return { id, name, token, ...(typeof pushed === 'string' ? { pushed } : {}) };
}

/** Whether an image is there, and for a thorough look whether its layers still have the content they had. */
export async function imageExists(
  engine: Engine,
  { id, name, token }: ImageReference,
  check: ExistenceCheck,
  signal: AbortSignal,
): Promise<boolean> {
  const found = (await inspectImage(engine, name, signal)) ?? (await inspectImage(engine, pendingTag(token), signal));
  if (found?.Id !== id) return false;
  return check === 'quick' || layersAreWhole(engine, found, signal);
}

/** An image by id or tag; undefined when the engine has none. */
export function inspectImage(engine: Engine, image: string, signal: AbortSignal): Promise<ImageInspectInfo | undefined> {
  return asked(signal, () => unlessStatus(404, engine.docker.getImage(image).inspect()));
}

/** Gives an image the name it is kept under, and takes the one away that says it is nobody's. A name keeps it from being pruned, too. */
export async function keepImage(engine: Engine, { id, name, token }: ImageReference, signal: AbortSignal): Promise<void> {
  const there: unknown = await asked(signal, () => unlessStatus(404, engine.docker.getImage(id).tag({ repo: name, tag: 'latest' })));
  if (there === undefined) return;
  await untag(engine, pendingTag(token), signal);
}

/** Takes an image's names away, and with the last one the image. */
export async function discardImage(engine: Engine, reference: ImageReference, signal: AbortSignal, target?: PushTarget): Promise<void> {
  const { id, name, pushed, token } = reference;
  if (target !== undefined && pushed !== undefined) await removePushed(target, pushed, signal);
  const also = target === undefined ? [] : [pushedTag(target, name)];
  for (const tag of [...also, pendingTag(token), name]) {
    const found = await inspectImage(engine, tag, signal);
    if (found?.Id === id) await untag(engine, tag, signal);
  }
}

/** The captured images of an installation that are not kept. */
export async function listPending(engine: Engine, installation: string, signal: AbortSignal): Promise<OwnedThing[]> {
  const filters = JSON.stringify({ label: ofInstallation(installation), reference: [`${pendingRepository}:*`] });
  const images = await asked(signal, () => engine.docker.listImages({ filters }));
  return images.flatMap(({ Created, Id, Labels, RepoTags }) =>
    (RepoTags ?? []).flatMap((tag) => {
      if (!tag.startsWith(`${pendingRepository}:`)) return [];
      const token = tag.slice(pendingRepository.length + 1) as Token;
      const handle = asHandle({ id: Id, token, name: Labels['murmur.artifact'] ?? '' });
      return [{ type: 'image' as const, token, owner: ownerIn(Labels), createdAt: Created * 1000, handle }];
    }),
  );
}

async function untag(engine: Engine, tag: string, signal: AbortSignal): Promise<void> {
  await asked(signal, async () => {
    try {
      await engine.docker.getImage(tag).remove();
    } catch (error) {
      // 404: it is gone. 409: a container runs from it, which keeps the layers but not the name.
      if (statusOf(error) === 409) await engine.docker.getImage(tag).remove({ force: true });
      else if (statusOf(error) !== 404) throw error;
    }
  });
}
