import { access, copyFile, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import path from 'node:path';

import { markBuilder } from './builder-mark.js';
import { isMissing } from './files.js';
import { runOnHost } from '../host-command.js';
import { openMaking, placeImage, sealImage } from './images.js';
import { accessInputs } from './initrd/access.js';
import { buildInitrd } from './initrd/build.js';
import { controlCardMark } from './initrd/control-card.js';
import { initrdProgram } from './initrd/program.js';
import { unpackKernel } from './kernel-image.js';
import { makingFolder, openLayout, type Digest } from './layout.js';
import { collectSshServer, unpackPackages } from './tiny/packages.js';
import { rootFiles } from './tiny/root-files.js';

/** Raised when the disk is put together in another way, so that a cached one is not taken for it. */
const buildVersion = 3;
const built = ['disk.qcow2', 'kernel', 'initrd'];

/**
 * Registers the tiny test disk in a data directory and returns its digest: Debian's cloud kernel, busybox and dropbear on a
 * small ext4 disk that answers over SSH in about two seconds under translation and honours the same seed as the real base.
 * For tests that need many machines; never part of a real server. It is built once and kept in the user's cache folder.
 *
 * ```ts
 * const substrate = await createQemuSubstrate({ dataDir, runtimeDir, installation: 'test', log });
 * const diskDigest = await buildTinyBase({ dataDir, runtimeDir });
 * const image = create(ImageSchema, { name: 'tiny', architecture: Architecture.AMD64, source: { case: 'qemu', value: { diskDigest } } });
 * ```
 *
 * The guest has busybox's tools (`sh`, `setsid`, `timeout`, `sha256sum`, `mount`, `poweroff`, …), a user `murmur` and tmpfs on
 * `/run` and `/tmp`; everything else is on the disk and ends up in a captured image. 64 MiB of memory is enough.
 */
export async function buildTinyBase(options: {
  readonly dataDir: string;
  readonly runtimeDir: string;
  /** Enlarges the disk, not the filesystem on it. */
  readonly diskGb?: number;
}): Promise<Digest> {
  const cached = await cachedBuild();
  const layout = await openLayout(options.dataDir, options.runtimeDir);
  const making = makingFolder(layout, 'tiny-base');
  await rm(making, { recursive: true, force: true });
  await using _mark = await markBuilder(making);
  await openMaking(making);
  for (const name of built) await copyFile(path.join(cached, name), path.join(making, name));
  if (options.diskGb !== undefined) await runOnHost('qemu-img', ['resize', '-q', path.join(making, 'disk.qcow2'), `${options.diskGb}G`]);
  const manifest = await sealImage(making, { parent: null, architecture: 'AMD64', commandLine: `root=/dev/vda quiet ${controlCardMark}` });
  await placeImage(layout, making, manifest);
  return manifest.disk.digest;
}

/** The folder with the disk, kernel and initrd, built when there is none for exactly these files yet. */
async function cachedBuild(): Promise<string> {
  const cache = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'murmur', 'tiny');
  const inputs = createHash('sha256')
    .update(JSON.stringify([buildVersion, rootFiles, initrdProgram, accessInputs]))
    .digest('hex')
    .slice(0, 16);
  const place = path.join(cache, inputs);
  if (await isThere(path.join(place, 'initrd'))) return place;
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(path.join(cache, 'making-'));
  try {
    await build(folder, path.join(folder, 'done'));
    // Of two test runs that built at the same time the second keeps what the first put there.
    if (!(await isThere(place))) await rename(path.join(folder, 'done'), place);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return place;
}

async function build(folder: string, done: string): Promise<void> {
  const { root: unpacked, kernelVersion } = await unpackPackages(folder);
  const root = path.join(folder, 'root');
  await mkdir(done);
  await fillRoot(unpacked, root);
  const raw = path.join(folder, 'disk.raw');
  await runOnHost('mke2fs', ['-q', '-t', 'ext4', '-F', '-m', '0', '-d', root, raw, '256M']);
  await runOnHost('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, path.join(done, 'disk.qcow2')]);
  await writeFile(path.join(done, 'kernel'), unpackKernel(await readFile(path.join(unpacked, 'boot', `vmlinuz-${kernelVersion}`))));
  const kernelModules = path.join(unpacked, 'lib', 'modules', kernelVersion);
  const parts = { busybox: path.join(unpacked, 'bin', 'busybox'), kernelModules, sshServer: path.join(folder, 'ssh-server') };
  await collectSshServer({ root: unpacked, kernelVersion }, parts.sshServer);
  await writeFile(path.join(done, 'initrd'), await buildInitrd(parts));
}

async function fillRoot(unpacked: string, root: string): Promise<void> {
  for (const name of [
    'bin',
    'dev',
    'etc',
    'home/murmur',
    'proc',
    'root',
    'run',
    'sys',
    'tmp',
    'var/log',
    'var/tmp',
    'usr/lib',
    'opt',
    'mnt',
  ]) {
    await mkdir(path.join(root, name), { recursive: true });
  }
  await copyFile(path.join(unpacked, 'bin/busybox'), path.join(root, 'bin/busybox'));
  const applets = (await runOnHost(path.join(root, 'bin/busybox'), ['--list-full'])).trim().split('\n');
  for (const applet of applets) {
    const link = path.join(root, applet);
    await mkdir(path.dirname(link), { recursive: true });
    if (applet !== 'bin/busybox') await symlink('/bin/busybox', link);
  }
  for (const file of rootFiles) await writeFile(path.join(root, file.path), file.content, { mode: file.mode });
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
