import { open } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import { shellQuote } from '../ssh.js';
import { PlatformFault, type GuestChannel } from '../substrate.js';
import type { Manifest } from './manifest.js';

/** Where Debian's packages keep the links to the kernel that boots next. */
const links = { kernel: '/vmlinuz', initrd: '/initrd.img' };

/** The guest decides how large these are. */
const mostBytes = 256 * 1024 * 1024;
/** Each piece is asked for when the one before is in the file, so that no more than one waits here. */
const pieceBytes = 4 * 1024 * 1024;

/** Prints the digest of the guest's next kernel, or nothing where the guest has none of its own. */
const kernelDigest = `if [ -f ${links.kernel} ] && [ -e ${links.initrd} ]; then
  [ "$(stat -L -c %s ${links.kernel})" -gt ${mostBytes} ] && echo large || sha256sum ${links.kernel}
elif [ -e ${links.kernel} ] && [ -e ${links.initrd} ]; then echo irregular; fi`;

/**
 * Copies the guest's kernel and initrd into this folder when a script has installed another kernel than the one the machine
 * was booted with: the image must boot with the kernel whose modules it holds. Says whether it did. Throws
 * FAILED_PRECONDITION when one of them is no regular file or larger than 256 MiB.
 */
export async function takeChangedKernel(channel: GuestChannel, base: Manifest, folder: string, signal: AbortSignal): Promise<boolean> {
  const { stdout } = await channel.run(kernelDigest, { signal });
  const digest = stdout.trim().split(/\s+/)[0] ?? '';
  if (digest === 'large') throw tooLarge(links.kernel);
  if (digest === 'irregular') throw irregular(links.kernel);
  if (digest === '' || `sha256:${digest}` === (base.guestKernel ?? base.kernel.digest)) return false;
  await copyOut(channel, links.kernel, path.join(folder, 'kernel'), signal);
  await copyOut(channel, links.initrd, path.join(folder, 'initrd'), signal);
  return true;
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
