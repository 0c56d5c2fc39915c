import { copyFile, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';

import { runOnHost } from '../../host-command.js';

/** Everything the tiny disk is made of, besides the kernel: programs and the libraries they load. */
const names = ['busybox-static', 'dropbear-bin', 'libc6', 'libcrypt1', 'libgmp10', 'libtomcrypt1', 'libtommath1', 'zlib1g'];

/** Where the packages' files were unpacked. */
export interface Unpacked {
  readonly root: string;
  /** Such as `6.1.0-56-cloud-amd64`. */
  readonly kernelVersion: string;
}

const serverFiles = [
  'usr/sbin/dropbear',
  ...['ld-linux-x86-64.so.2', 'libc.so.6', 'libcrypt.so.1', 'libz.so.1'].map((name) => `lib/x86_64-linux-gnu/${name}`),
  ...['libgmp.so.10', 'libtomcrypt.so.1', 'libtommath.so.1'].map((name) => `usr/lib/x86_64-linux-gnu/${name}`),
];

/** Copies the SSH server's program, the libraries that it loads and their loader out of the unpacked packages into one folder. */
export async function collectSshServer({ root }: Unpacked, folder: string): Promise<void> {
  await mkdir(folder);
  for (const name of serverFiles) await copyFile(path.join(root, name), path.join(folder, path.basename(name)));
}

/** Fetches Debian's packages with the host's own apt, which checks their signatures, and unpacks them without installing them. */
export async function unpackPackages(folder: string): Promise<Unpacked> {
  const kernel = await kernelPackage();
  const [downloads, root] = [path.join(folder, 'packages'), path.join(folder, 'unpacked')];
  for (const made of [downloads, root]) await mkdir(made, { recursive: true });
  await runOnHost('apt-get', ['download', '-q', ...names, kernel], { cwd: downloads });
  for (const file of await readdir(downloads)) {
    if (file.endsWith('.deb')) await runOnHost('dpkg-deb', ['--extract', path.join(downloads, file), root]);
  }
  return { root, kernelVersion: kernel.replace('linux-image-', '') };
}

async function kernelPackage(): Promise<string> {
  const description = await runOnHost('apt-cache', ['show', '--no-all-versions', 'linux-image-cloud-amd64']);
  const name = /^Depends:.*\b(linux-image-[0-9][^ ,]*)/m.exec(description)?.[1];
  if (name === undefined) throw new Error('apt knows no kernel behind linux-image-cloud-amd64');
  return name;
}
