import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

import type { ArchitectureName, Owner } from '../substrate.js';
import { readIfPresent } from './files.js';
import { imageFolder, isDigest, type Digest, type Layout } from './layout.js';

/** One file of an image as it was when the image was made. */
export interface ImageFile {
  readonly digest: Digest;
  readonly size: number;
  readonly mtimeMs: number;
}

/** `manifest.json` beside an image's disk: all that is needed to boot it and to notice damage. */
export interface Manifest {
  readonly version: 1;
  readonly disk: ImageFile & { readonly format: 'qcow2'; readonly virtualSize: number };
  /** The image whose disk this disk is an overlay of. */
  readonly parent: Digest | null;
  readonly architecture: ArchitectureName;
  readonly kernel: ImageFile;
  readonly initrd: ImageFile;
  /** The guest's own copy of that kernel where ours is stored unpacked; a guest with another one needs that one. */
  readonly guestKernel?: Digest;
  /** The kernel's command line for direct boot; the console is added at launch. */
  readonly commandLine: string;
  readonly createdAt: number;
  /** What asked for this image; a base has none. */
  readonly captured?: { readonly name: string; readonly token: string; readonly owner: Owner };
  /** A digest of everything a base was built from. */
  readonly inputs?: string;
}

/** The image with this digest, or undefined when it is not here or not whole enough to have a manifest. */
export async function readManifest(layout: Layout, digest: Digest): Promise<Manifest | undefined> {
  return isDigest(digest) ? readManifestIn(imageFolder(layout, digest)) : undefined;
}

/** The image in this folder, also one that has not got its place yet, or undefined when it was never sealed. */
export async function readManifestIn(folder: string): Promise<Manifest | undefined> {
  const text = await readIfPresent(path.join(folder, 'manifest.json'));
  return text === undefined ? undefined : parseManifest(text);
}

/** Every finished image in the data directory. */
export async function listManifests(layout: Layout): Promise<readonly Manifest[]> {
  const names = await readdir(layout.images);
  const digests = names.map((name) => name.replace(/^sha256-/, 'sha256:')).filter(isDigest);
  const manifests = await Promise.all(digests.map((digest) => readManifest(layout, digest)));
  return manifests.filter((manifest) => manifest !== undefined);
}

/** The entry for a file of an image being made. */
export async function imageFile(file: string, digest: Digest): Promise<ImageFile> {
  const { size, mtimeMs } = await stat(file);
  return { digest, size, mtimeMs };
}

function parseManifest(text: string): Manifest | undefined {
  try {
    const manifest = JSON.parse(text) as Manifest;
    return manifest.version === 1 ? manifest : undefined;
  } catch (error) {
    // A manifest that does not parse is damage: the image counts as absent.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
