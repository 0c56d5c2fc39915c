import { access } from 'node:fs/promises';
import path from 'node:path';

import { bootId } from '../../host/boot-id.js';
import { answeredWithin, type CaptureSpec, PlatformFault, type GuestKeys, type Token } from '../substrate.js';
import { moveDurably, syncPath, writeAtomically } from '../../host/durable-files.js';
import { isMissing, readIfPresent } from './files.js';
import { readCaptureNote, writeCaptureNote } from './capture-notes.js';
import type { Channels } from './channels.js';
import { filesystemIsClean } from './filesystem.js';
import { takeChangedKernel } from './guest-kernel.js';
import { openMaking, placeImage, sealImage, shareFile } from './images.js';
import { imageFolder, machineFolder, makingFolder, type Digest, type Layout } from './layout.js';
import { findProcesses } from './machine-process.js';
import { readMachine, writeMachine, type MachineRecord } from './machine-record.js';
import { readManifest, type Manifest } from './manifest.js';
import { endStopped, powerOff } from './power-off.js';

/** Asking for the kernel, perhaps copying it out, and trimming the disk. */
const preparedMs = 10 * 60_000;

/** What is captured, for whom, and how to get in to stop it. */
export interface CaptureRequest {
  readonly machine: Token;
  readonly keys: GuestKeys;
  readonly artifact: CaptureSpec;
  readonly channels: Channels;
  readonly signal: AbortSignal;
  /** Runs what gives an image its place while nobody else adds or removes one. */
  alone<T>(task: () => Promise<T>): Promise<T>;
}

/**
 * Powers the machine off cleanly and turns its overlay into an image named by the digest of its content. Nothing is copied:
 * the disk file moves into the image's folder, so the machine is used up. Every border a crash may fall on is a state that a
 * repeated call recognises: a note of the result, a disk moved but not yet sealed, a machine stopped or still running.
 */
export async function captureMachine(layout: Layout, request: CaptureRequest): Promise<Digest> {
  const { token } = request.artifact;
  const finished = await capturedBefore(layout, token);
  if (finished !== undefined) return finished;
  const making = makingFolder(layout, token);
  if (!(await diskIsMoved(layout, token))) await moveDisk(layout, request, making);
  return seal(layout, request, making);
}

/** The image that an earlier capture of this token came to, if it is still here. */
async function capturedBefore(layout: Layout, token: Token): Promise<Digest | undefined> {
  const note = await readCaptureNote(layout, token);
  if (note === undefined || (await readManifest(layout, note.digest)) === undefined) return undefined;
  // It may have been placed by a server that was killed before it synced that.
  await syncPath(layout.images);
  return note.digest;
}

async function moveDisk(layout: Layout, request: CaptureRequest, making: string): Promise<void> {
  const record = await readMachine(layout, request.machine);
  if (record === undefined) throw new PlatformFault('the machine to capture is gone');
  await openMaking(making);
  await writeAtomically(path.join(making, 'note.json'), JSON.stringify({ owner: request.artifact.owner }));
  const stopped = await stopCleanly(layout, record, request, making);
  const parent = imageFolder(layout, stopped.base);
  for (const name of ['kernel', 'initrd']) {
    if (stopped.stopping?.kernelChanged !== true) await shareFile(path.join(parent, name), path.join(making, name));
  }
  await writeAtomically(
    path.join(making, 'note.json'),
    JSON.stringify({ owner: request.artifact.owner, parent: stopped.base, kernelChanged: stopped.stopping?.kernelChanged }),
  );
  const disk = path.join(machineFolder(layout, stopped.token), 'disk.qcow2');
  // First its content, then its name: a disk that lies there after a power cut has all that the machine wrote.
  await syncPath(disk);
  await moveDurably(disk, path.join(making, 'disk.qcow2'));
}

async function diskIsMoved(layout: Layout, token: Token): Promise<boolean> {
  // The note of the parent is written first and the disk moves last, and only the disk's own move makes its name appear.
  try {
    await access(path.join(makingFolder(layout, token), 'disk.qcow2'));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function stopCleanly(layout: Layout, record: MachineRecord, request: CaptureRequest, making: string): Promise<MachineRecord> {
  const folder = machineFolder(layout, record.token);
  let stopping = record;
  if ((await findProcesses(folder)).length > 0) {
    // A repeated call may find the machine prepared, told, or stopped but not ended yet.
    if (record.stopping === undefined) stopping = await prepareToStop(layout, record, request, making);
    const unstopped = await powerOff(layout, request);
    if (unstopped.length > 0)
      await request.artifact.tell?.(`ended with the machine, since it did not stop by itself: ${unstopped.join(', ')}`);
    await endStopped(layout, record.token, request.signal);
    await request.channels.close(record.token);
  }
  if (stopping.stopping === undefined) throw new PlatformFault('the machine stopped before it could be captured');
  if (stopping.stopping.boot !== (await bootId())) throw new PlatformFault("the server's host restarted while the machine was captured");
  if (!(await filesystemIsClean(path.join(folder, 'disk.qcow2'))))
    throw new PlatformFault('the machine was lost before its disk was written out');
  return stopping;
}

/** Does what needs the guest, and notes that its disk is the result from here on. */
async function prepareToStop(layout: Layout, record: MachineRecord, request: CaptureRequest, making: string): Promise<MachineRecord> {
  await using channel = await request.channels.open(record.token, request.keys, request.signal);
  const parent = { manifest: await manifestOf(layout, record.base), initrd: path.join(imageFolder(layout, record.base), 'initrd') };
  const kernelChanged = await answeredWithin(preparedMs, request.signal, async (signal) => {
    const changed = await takeChangedKernel(channel, parent, making, signal);
    // Blocks of deleted files would otherwise stay in the image.
    await channel.run('fstrim -a 2>/dev/null || fstrim / 2>/dev/null; sync', { signal });
    return changed;
  });
  const stopping: MachineRecord = { ...record, stopping: { kernelChanged, boot: await bootId() } };
  await writeMachine(layout, stopping);
  return stopping;
}

async function seal(layout: Layout, request: CaptureRequest, making: string): Promise<Digest> {
  const { name, token, owner } = request.artifact;
  const { parent, kernelChanged } = JSON.parse((await readIfPresent(path.join(making, 'note.json'))) ?? '{}') as {
    parent: Digest;
    kernelChanged: boolean;
  };
  const base = await manifestOf(layout, parent);
  const { architecture, commandLine, guestKernel } = base;
  const image = { parent, architecture, commandLine, captured: { name, token, owner } };
  const manifest = kernelChanged
    ? await sealImage(making, image)
    : await sealImage(making, { ...image, ...(guestKernel === undefined ? {} : { guestKernel }) }, base);
  const { digest } = manifest.disk;
  await request.alone(async () => {
    await writeCaptureNote(layout, { token, digest, owner });
    await placeImage(layout, making, manifest);
  });
  return digest;
}

async function manifestOf(layout: Layout, digest: Digest): Promise<Manifest> {
  const manifest = await readManifest(layout, digest);
  if (manifest === undefined) throw new PlatformFault(`the disk ${digest} that the machine stands on is gone`);
  return manifest;
}
