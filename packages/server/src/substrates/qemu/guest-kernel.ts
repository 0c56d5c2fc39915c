import { open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError, shellQuote } from '@murmur/api';

import { PlatformFault, type GuestChannel } from '../substrate.js';
import { guestModules } from './guest-modules.js';
import { replaceModules } from './initrd/build.js';
import { kernelRelease } from './kernel-image.js';
import type { Manifest } from './manifest.js';

/** Where Debian's packages keep the link to the kernel that boots next. */
const link = '/vmlinuz';
/** A kernel says which one it is before this many bytes. */
const setupBytes = 128 * 1024;

/** The guest decides how large these are. */
const mostBytes = 256 * 1024 * 1024;
/** Each piece is asked for when the one before is in the file, so that no more than one waits here. */
const pieceBytes = 4 * 1024 * 1024;

/** Prints the digest of the guest's next kernel, or nothing where the guest has none of its own. */
const kernelDigest = `if [ -f ${link} ]; then
  [ "$(stat -L -c %s ${link})" -gt ${mostBytes} ] && echo large || sha256sum ${link}
elif [ -e ${link} ]; then echo irregular; fi`;

/**
 * Copies the guest's kernel into this folder when a script has installed another one than the machine was booted with, and
 * makes it an initrd of ours from the parent image's: the image must boot with the kernel whose modules it holds, and the
 * distribution's own initrd need not know our machines. Says whether it did. Throws FAILED_PRECONDITION when the kernel is no
 * regular file, is larger than 256 MiB, or could not start a machine.
 */
export async function takeChangedKernel(
  channel: GuestChannel,
  parent: { readonly manifest: Manifest; readonly initrd: string },
  folder: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { stdout } = await channel.run(kernelDigest, { signal });
  const digest = stdout.trim().split(/\s+/)[0] ?? '';
  if (digest === 'large') throw tooLarge(link);
  if (digest === 'irregular') throw irregular(link);
  const { guestKernel, kernel } = parent.manifest;
  if (digest === '' || `sha256:${digest}` === (guestKernel ?? kernel.digest)) return false;
  const file = path.join(folder, 'kernel');
  await copyOut(channel, link, file, signal);
  const release = kernelRelease(await firstBytes(file, setupBytes));
  if (release === undefined) {
    throw new MurmurError('FAILED_PRECONDITION', `the image's ${link} is not a Linux kernel`, {
      hint: "Leave Debian's link to its kernel there.",
    });
  }
  const modules = await guestModules(channel, release, signal);
  await writeFile(path.join(folder, 'initrd'), replaceModules(await readFile(parent.initrd), modules));
  return true;
}

async function firstBytes(file: string, most: number): Promise<Buffer> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(most), 0, most, 0);
  return buffer.subarray(0, bytesRead);
}

async function copyOut(channel: GuestChannel, from: string, to: string, signal: AbortSignal): Promise<void> {
  const { stdout } = await channel.run(`[ -f ${shellQuote(from)} ] && stat -L -c %s ${shellQuote(from)}`, { signal });
  if (!/^\s*\d+\s*$/.test(stdout)) throw irregular(from);
  const size = Number(stdout);
  if (size > mostBytes) throw tooLarge(from);
  const file = await open(to, 'w', 0o600);
  try {
    for (let at = 0; at < size; at += pieceBytes) {
      const piece = await pieceOf(channel, from, at / pieceBytes, signal);
      if (piece.length !== Math.min(pieceBytes, size - at)) throw new PlatformFault(`${from} did not come out of the machine whole`);
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
}

async function pieceOf(channel: GuestChannel, from: string, index: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const take = (chunk: Buffer) => {
    length += chunk.length;
    if (length > pieceBytes) throw new PlatformFault(`${from} came out of the machine longer than it is`);
    chunks.push(chunk);
  };
  const command = `dd if=${shellQuote(from)} bs=${pieceBytes} skip=${index} count=1 2>/dev/null`;
  await channel.stream(command, { stdout: take, stderr: () => undefined }, { signal });
  return Buffer.concat(chunks);
}

function tooLarge(file: string): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', `the script left a ${file} in the machine that is larger than 256 MiB`);
}

function irregular(file: string): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', `the script left a ${file} in the machine that is not a regular file`);
}
