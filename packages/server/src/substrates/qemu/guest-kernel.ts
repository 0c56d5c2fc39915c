import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { finished } from 'node:stream/promises';

import { shellQuote } from '../ssh.js';
import { PlatformFault, type GuestChannel } from '../substrate.js';
import type { Manifest } from './manifest.js';

/** Where Debian's packages keep the links to the kernel that boots next. */
const links = { kernel: '/vmlinuz', initrd: '/initrd.img' };

/** Prints the digest of the guest's next kernel, or nothing where the guest has none of its own. */
const kernelDigest = `if [ -e ${links.kernel} ] && [ -e ${links.initrd} ]; then sha256sum ${links.kernel}; fi`;

/**
 * Copies the guest's kernel and initrd into this folder when a script has installed another kernel than the one the machine
 * was booted with: the image must boot with the kernel whose modules it holds. Says whether it did.
 */
export async function takeChangedKernel(channel: GuestChannel, base: Manifest, folder: string, signal: AbortSignal): Promise<boolean> {
  const { stdout } = await channel.run(kernelDigest, { signal });
  const digest = stdout.trim().split(/\s+/)[0] ?? '';
  if (digest === '' || `sha256:${digest}` === (base.guestKernel ?? base.kernel.digest)) return false;
  await copyOut(channel, links.kernel, path.join(folder, 'kernel'), signal);
  await copyOut(channel, links.initrd, path.join(folder, 'initrd'), signal);
  return true;
}

async function copyOut(channel: GuestChannel, from: string, to: string, signal: AbortSignal): Promise<void> {
  const file = createWriteStream(to, { mode: 0o600 });
  const hash = createHash('sha256');
  const exitCode = await channel.stream(
    `cat ${shellQuote(from)}`,
    {
      stdout: (chunk) => {
        hash.update(chunk);
        file.write(chunk);
      },
      stderr: () => undefined,
    },
    { signal },
  );
  file.end();
  await finished(file);
  const { stdout } = await channel.run(`sha256sum ${shellQuote(from)}`, { signal });
  if (exitCode !== 0 || !stdout.startsWith(hash.digest('hex'))) throw new PlatformFault(`${from} did not come out of the machine whole`);
}
