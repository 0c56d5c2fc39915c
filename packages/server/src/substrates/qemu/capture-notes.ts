import { readdir, rm } from 'node:fs/promises';

import { type Handle, type Owner, PlatformFault, type Token } from '../substrate.js';
import { writeAtomically } from '../../host/durable-files.js';
import { readIfPresent } from './files.js';
import { captureNote, type Digest, type Layout } from './layout.js';

/** Which image a capture came to. Lies beside the images until the image is registered or discarded. */
export interface CaptureNote {
  readonly token: Token;
  readonly digest: Digest;
  readonly owner?: Owner;
}

/** The note of one capture, if it has one. */
export async function readCaptureNote(layout: Layout, token: Token): Promise<CaptureNote | undefined> {
  const text = await readIfPresent(captureNote(layout, token));
  return text === undefined ? undefined : { ...(JSON.parse(text) as Omit<CaptureNote, 'token'>), token };
}

/** Writes a capture's result down. */
export async function writeCaptureNote(layout: Layout, { token, ...note }: CaptureNote): Promise<void> {
  await writeAtomically(captureNote(layout, token), JSON.stringify(note));
}

/** The notes of all captures whose image is neither registered nor discarded. */
export async function captureNotes(layout: Layout): Promise<readonly CaptureNote[]> {
  const names = await readdir(layout.images);
  const tokens = names.flatMap((name) => /^\.captured-([a-z0-9-]+)\.json$/.exec(name)?.[1] ?? []);
  const notes = await Promise.all(tokens.map((token) => readCaptureNote(layout, token as Token)));
  return notes.filter((note) => note !== undefined);
}

/** Removes the note of a capture. */
export async function forgetCapture(layout: Layout, token: unknown): Promise<void> {
  if (typeof token === 'string' && /^[a-z0-9-]+$/.test(token)) await rm(captureNote(layout, token), { force: true });
}

/** How the database refers to a captured image. */
export function imageReference(layout: Layout, diskDigest: Digest, token: Token): Handle {
  return { diskDigest, token, host: layout.host };
}

/** The disk that a reference names. Throws {@link PlatformFault} when that is another server's: nothing is known of it here. */
export function digestIn(layout: Layout, { diskDigest, host = layout.host }: Handle): Digest {
  if (host !== layout.host) throw new PlatformFault('the image is on another host of this installation');
  if (typeof diskDigest !== 'string') throw new TypeError('not a reference to a QEMU image');
  return diskDigest;
}
