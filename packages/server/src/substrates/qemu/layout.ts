import { createHash } from 'node:crypto';
import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';

import { hostIdOf } from '../../host/host-id.js';
import type { Token } from '../substrate.js';

/** Where the substrate keeps its things. `machines` and `images` lie equally deep, so that one relative backing path serves in both. */
export interface Layout {
  readonly dataDir: string;
  readonly machines: string;
  readonly images: string;
  /** Images on their way out, each gone when it has been read. */
  readonly exports: string;
  /** Tells this data directory apart from those of other servers on the same database. */
  readonly host: string;
  /** A folder with a short path for control sockets. */
  readonly runtimeDir: string;
}

/** A disk's content address: `sha256:` and 64 hexadecimal digits of the disk file. */
export type Digest = string;

/** Makes the substrate's folders, readable by nobody else. */
export async function openLayout(dataDir: string, runtimeDir: string): Promise<Layout> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const real = await realpath(dataDir);
  const folders = { machines: path.join(real, 'machines'), images: path.join(real, 'images'), exports: path.join(real, 'exports') };
  for (const folder of [runtimeDir, ...Object.values(folders)]) await mkdir(folder, { recursive: true, mode: 0o700 });
  return {
    dataDir: real,
    ...folders,
    host: await hostIdOf(real),
    runtimeDir: await realpath(runtimeDir),
  };
}

/** The folder of one machine. */
export function machineFolder(layout: Layout, token: Token | string): string {
  if (!/^[a-z0-9-]{1,63}$/.test(token)) throw new TypeError(`not a token: ${JSON.stringify(token)}`);
  return path.join(layout.machines, token);
}

/** The control socket of one machine: a socket's path must stay below 108 bytes, and a token may have 63. */
export function controlSocket(layout: Layout, token: Token | string): string {
  return path.join(layout.runtimeDir, `${createHash('sha256').update(token).digest('hex').slice(0, 16)}.qmp`);
}

/** Where one machine's QEMU tells what happens to it, beside its control socket, so that following it keeps nobody from that. */
export function eventSocket(layout: Layout, token: Token | string): string {
  return controlSocket(layout, token).replace(/\.qmp$/, '.events');
}

/** The folder of one finished image. */
export function imageFolder(layout: Layout, digest: Digest): string {
  return path.join(layout.images, imageFolderName(digest));
}

/** The folder in which the image of this token is put together before it gets its digest's name. */
export function makingFolder(layout: Layout, token: Token | string): string {
  return path.join(layout.images, `.making-${token}`);
}

/** The note that says which image a capture of this token came to, until that image is registered or discarded. */
export function captureNote(layout: Layout, token: Token | string): string {
  return path.join(layout.images, `.captured-${token}.json`);
}

/** The disk of an image as its overlays name it, relative to any folder of `machines` or `images`. */
export function relativeDisk(digest: Digest): string {
  return path.join('..', '..', 'images', imageFolderName(digest), 'disk.qcow2');
}

/** Whether this text is a digest as disks are named by. */
export function isDigest(text: string): text is Digest {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

function imageFolderName(digest: Digest): string {
  if (!isDigest(digest)) throw new TypeError(`not a disk digest: ${JSON.stringify(digest)}`);
  return digest.replace(':', '-');
}
