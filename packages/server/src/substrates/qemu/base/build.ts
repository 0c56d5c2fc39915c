import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { digestOf } from '../files.js';
import { markBuilder } from '../builder-mark.js';
import { requirePrograms } from '../../host-programs.js';
import { runOnHost, runWithServer } from '../../host-command.js';
import { chainIsWhole, isDiscarded, openMaking, placeImage, sealImage } from '../images.js';
import { accessInputs } from '../initrd/access.js';
import { buildInitrd } from '../initrd/build.js';
import { controlCardMark } from '../initrd/control-card.js';
import { initrdProgram } from '../initrd/program.js';
import { unpackKernel } from '../kernel-image.js';
import { imageFolder, makingFolder, type Digest, type Layout } from '../layout.js';
import { listManifests } from '../manifest.js';
import { writeBootArea } from './boot-area.js';
import { suite } from '../../debian-mirror.js';
import { debstrap } from '../../debstrap.js';
import { borrowedPackages, packages } from './packages.js';
import { rootFiles } from './root-files.js';
import { insideScript, mmdebstrapArguments, outsideScript, partitionStart, virtualSize } from './scripts.js';

/** For direct boot with our own initrd. */
const commandLine = `root=/dev/vda1 rw quiet loglevel=3 systemd.show_status=0 net.ifnames=0 random.trust_cpu=on ${controlCardMark}`;

/** How the base is built. */
export interface BaseBuildOptions {
  /** Builds even when a base of the same inputs is there. */
  readonly rebuild?: boolean;
  /** Where this host's apt is told its mirrors; `/etc/apt` unless a test has another. */
  readonly aptFolder?: string;
  readonly onProgress: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Programs of the host that the build runs, and Debian's packages that hold them. */
const needed = { mmdebstrap: 'mmdebstrap', mke2fs: 'e2fsprogs', tar: 'tar', 'qemu-img': 'qemu-utils' };

/**
 * Builds Debian with what agents' machines need into an image of this data directory and returns its disk's digest. Works as
 * root or not, mounts nothing, and speaks to Debian's mirror only. A build that was killed leaves one folder, which the next
 * one removes.
 */
export async function buildBase(layout: Layout, options: BaseBuildOptions): Promise<Digest> {
  const { onProgress, signal } = options;
  const inputs = inputsDigest();
  const existing = options.rebuild === true ? undefined : await builtBefore(layout, inputs);
  if (existing !== undefined) {
    // Served again: nobody may take it for one that has been unused for long.
    await utimes(path.join(imageFolder(layout, existing), 'manifest.json'), new Date(), new Date());
    onProgress('the base image of these packages is built already');
    return existing;
  }
  await requirePrograms(isRoot() ? needed : { ...needed, fakeroot: 'fakeroot' });
  const making = makingFolder(layout, 'base');
  await rm(making, { recursive: true, force: true });
  await using _mark = await markBuilder(making);
  await openMaking(making);
  try {
    await debootstrap(making, options);
    await makeDisk(making, onProgress, signal);
    onProgress('computing the digest');
    const vmlinuz = path.join(making, 'vmlinuz');
    const guestKernel = await digestOf(vmlinuz);
    await writeFile(path.join(making, 'kernel'), unpackKernel(await readFile(vmlinuz)));
    await writeFile(
      path.join(making, 'initrd'),
      await buildInitrd({
        busybox: path.join(making, 'busybox'),
        kernelModules: path.join(making, 'modules'),
        sshServer: path.join(making, 'ssh-server'),
      }),
    );
    for (const name of ['busybox', 'modules', 'ssh-server', 'vmlinuz', 'boot.img', 'core.img'])
      await rm(path.join(making, name), { recursive: true, force: true });
    const manifest = await sealImage(making, { parent: null, architecture: 'AMD64', commandLine, inputs, guestKernel });
    await placeImage(layout, making, manifest);
    onProgress(`built ${manifest.disk.digest}`);
    return manifest.disk.digest;
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

async function debootstrap(making: string, { aptFolder, onProgress, signal }: BaseBuildOptions): Promise<void> {
  const file = (name: string) => path.join(making, name);
  const overlay = file('overlay');
  for (const { path: name, mode, content } of rootFiles) {
    await mkdir(path.dirname(path.join(overlay, name)), { recursive: true });
    await writeFile(path.join(overlay, name), content);
    await chmod(path.join(overlay, name), mode);
  }
  const names = rootFiles.map((one) => one.path);
  await runOnHost('tar', ['-C', overlay, '--owner=0', '--group=0', '--numeric-owner', '-cf', file('overlay.tar'), ...names], { signal });
  await writeFile(file('inside.sh'), insideScript);
  onProgress(`installing Debian ${suite}`);
  const files = { overlay: 'overlay.tar', inside: 'inside.sh', output: isRoot() ? 'root' : 'rootfs.tar' };
  // As root its work folder lies in ours, so that nothing is left elsewhere by a build that was killed.
  const env = isRoot() ? { TMPDIR: making } : {};
  await debstrap(mmdebstrapArguments(files), {
    aptFolder,
    cwd: making,
    env,
    signal,
    onLine: (line) => void (line.startsWith('I: ') && onProgress(line.slice(3))),
  });
}

async function makeDisk(making: string, onProgress: (line: string) => void, signal: AbortSignal): Promise<void> {
  onProgress('writing the disk');
  const script = ['sh', '-c', outsideScript];
  const [program, ...args] = isRoot() ? script : ['fakeroot', '--', ...script];
  await runWithServer(program ?? 'sh', args, { cwd: making, signal });
  const loader = { boot: await readFile(path.join(making, 'boot.img')), core: await readFile(path.join(making, 'core.img')) };
  await writeBootArea(path.join(making, 'disk.raw'), loader, { start: partitionStart, end: virtualSize });
  await runOnHost('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'disk.qcow2'], { cwd: making, signal });
  for (const name of ['root', 'disk.raw', 'overlay', 'overlay.tar', 'inside.sh'])
    await rm(path.join(making, name), { recursive: true, force: true });
}

async function builtBefore(layout: Layout, inputs: string): Promise<Digest | undefined> {
  const manifests = (await listManifests(layout)).filter((manifest) => manifest.inputs === inputs);
  for (const { disk } of manifests.sort((a, b) => b.createdAt - a.createdAt)) {
    if (!(await isDiscarded(layout, disk.digest)) && (await chainIsWhole(layout, disk.digest, 'quick'))) return disk.digest;
  }
  return undefined;
}

function inputsDigest(): string {
  const parts = [
    suite,
    initrdProgram,
    accessInputs,
    packages,
    borrowedPackages,
    rootFiles,
    insideScript,
    outsideScript,
    commandLine,
    partitionStart,
    virtualSize,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
