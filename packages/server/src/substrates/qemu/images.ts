import { chmod, link, copyFile, mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';

import type { ExistenceCheck } from '../substrate.js';
import { moveDurably, syncPath, writeAtomically } from '../../host/durable-files.js';
import { digestOf, isMissing, readIfPresent } from './files.js';
import { imageFolder, type Digest, type Layout } from './layout.js';
import { imageFile, listManifests, readManifest, readManifestIn, type ImageFile, type Manifest } from './manifest.js';
import { runOnHost } from '../host-command.js';

/** What an image being made consists of, its disk, kernel and initrd already lying in its folder. */
export type NewImage = Pick<Manifest, 'parent' | 'architecture' | 'commandLine'> &
  Partial<Pick<Manifest, 'captured' | 'inputs' | 'guestKernel'>>;

/** The digest an image being made will have, with its files synced and made read-only. */
export async function sealImage(
  folder: string,
  image: NewImage,
  shared: Partial<Pick<Manifest, 'kernel' | 'initrd'>> = {},
): Promise<Manifest> {
  const described = async (name: string, known?: ImageFile): Promise<ImageFile> => {
    const file = path.join(folder, name);
    // A file shared with the parent was read when the parent was made.
    if (known !== undefined && (await stat(file)).mtimeMs === known.mtimeMs) return known;
    await chmod(file, 0o444);
    await syncPath(file);
    return imageFile(file, await digestOf(file));
  };
  const [disk, kernel, initrd] = [
    await described('disk.qcow2'),
    await described('kernel', shared.kernel),
    await described('initrd', shared.initrd),
  ];
  const info = JSON.parse(await runOnHost('qemu-img', ['info', '-U', '--output=json', path.join(folder, 'disk.qcow2')])) as {
    'virtual-size': number;
  };
  const manifest: Manifest = {
    version: 1,
    ...image,
    disk: { ...disk, format: 'qcow2', virtualSize: info['virtual-size'] },
    kernel,
    initrd,
    createdAt: Date.now(),
  };
  await writeAtomically(path.join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/**
 * Gives a sealed image its place under its digest. The same content made before stays, and the new copy goes. Once this
 * returns, a power cut leaves the image where it is.
 */
export async function placeImage(layout: Layout, folder: string, manifest: Manifest): Promise<void> {
  const place = imageFolder(layout, manifest.disk.digest);
  if ((await readManifest(layout, manifest.disk.digest)) === undefined || !(await chainIsWhole(layout, manifest.disk.digest, 'quick'))) {
    await rm(place, { recursive: true, force: true });
    await moveDurably(folder, place);
  } else {
    await rm(folder, { recursive: true, force: true });
    await rm(path.join(place, 'discarded'), { force: true });
    await syncPath(place);
    // Whoever put it there may have been killed before they synced it.
    await syncPath(layout.images);
  }
}

/** Gives an image its place that was sealed but never got there, when its files are as they were sealed. Says whether it did. */
export async function placeSealedImage(layout: Layout, folder: string): Promise<boolean> {
  const manifest = await readManifestIn(folder);
  if (manifest === undefined || !(await filesAreWhole(folder, manifest, 'thorough'))) return false;
  await placeImage(layout, folder, manifest);
  return true;
}

/** Shares a file between two images; both only ever read it. */
export async function shareFile(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  try {
    await link(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EXDEV' || error.code === 'EPERM' || error.code === 'EMLINK')))
      throw error;
    await copyFile(from, to);
  }
}

/** Whether this image and every image below it is here as it was made; `thorough` reads all of it again. */
export async function chainIsWhole(layout: Layout, digest: Digest, check: ExistenceCheck): Promise<boolean> {
  for (let next: Digest | null = digest; next !== null;) {
    const manifest = await readManifest(layout, next);
    if (manifest === undefined || manifest.disk.digest !== next) return false;
    if (!(await filesAreWhole(imageFolder(layout, next), manifest, check))) return false;
    next = manifest.parent;
  }
  return true;
}

/** Whether this image was given up and only stays for what stands on it. */
export async function isDiscarded(layout: Layout, digest: Digest): Promise<boolean> {
  return (await readIfPresent(path.join(imageFolder(layout, digest), 'discarded'))) !== undefined;
}

/** Gives an image up. While another image or a machine stands on its disk it only stops being served. */
export async function discardImage(layout: Layout, digest: Digest, machineBases: ReadonlySet<Digest>): Promise<void> {
  if ((await readManifest(layout, digest)) === undefined) return rm(imageFolder(layout, digest), { recursive: true, force: true });
  await writeAtomically(path.join(imageFolder(layout, digest), 'discarded'), `${new Date().toISOString()}\n`);
  await removeDiscarded(layout, machineBases);
}

/** Removes the images that were given up and that nothing stands on any more. */
export async function removeDiscarded(layout: Layout, machineBases: ReadonlySet<Digest>): Promise<void> {
  for (;;) {
    const manifests = await listManifests(layout);
    const needed = new Set([...machineBases, ...manifests.map((manifest) => manifest.parent)]);
    const free: Manifest[] = [];
    for (const manifest of manifests) {
      if (!needed.has(manifest.disk.digest) && (await isDiscarded(layout, manifest.disk.digest))) free.push(manifest);
    }
    if (free.length === 0) return;
    for (const manifest of free) await rm(imageFolder(layout, manifest.disk.digest), { recursive: true, force: true });
  }
}

/** Makes the folder in which an image is put together. */
export async function openMaking(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

async function filesAreWhole(folder: string, { disk, kernel, initrd }: Manifest, check: ExistenceCheck): Promise<boolean> {
  for (const [name, file] of Object.entries({ 'disk.qcow2': disk, kernel, initrd }))
    if (!(await fileIsWhole(path.join(folder, name), file, check))) return false;
  return true;
}

async function fileIsWhole(file: string, expected: ImageFile, check: ExistenceCheck): Promise<boolean> {
  try {
    const { size, mtimeMs } = await stat(file);
    if (size !== expected.size) return false;
    // Another time alone may be a restored backup: then the content decides.
    return (check === 'quick' && mtimeMs === expected.mtimeMs) || (await digestOf(file)) === expected.digest;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
