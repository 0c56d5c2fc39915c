import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { Architecture, DockerSourceSchema, type Image, ImageSchema } from '@murmur/api';

import { suite } from '../debian-mirror.js';
import { debstrap } from '../debstrap.js';
import { onHost } from '../host-faults.js';
import { requirePrograms } from '../host-programs.js';
import { type BaseBuilder, PlatformFault } from '../substrate.js';
import { asked, type Engine, statusOf } from './engine.js';
import { inspectImage, pulledRepository } from './images.js';
import { lastError } from './progress.js';

/** The catalog name of the platform's base image. */
const baseName = 'murmur-docker-base';

/** Where bases lie in the engine, each tagged with a digest of what went into it. */
const baseRepository = 'murmur-base';

const packages = ['ca-certificates', 'curl', 'git', 'jq', 'less', 'procps', 'python3', 'sudo', 'tmux', 'tzdata', 'zstd'];

/** What a person finds on the base, for the catalog. */
const preinstalled = 'git, curl, jq, tmux, python3, ca-certificates, sudo, user "murmur"';

/** What mmdebstrap's shell runs, with the new system's folder as `$1`, once Debian's packages are installed. */
const hooks = [
  'chroot "$1" useradd --create-home --user-group --shell /bin/bash murmur',
  'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/archives/*.deb "$1"/var/log/*.log "$1"/var/log/apt/*',
  ': >"$1/etc/machine-id"',
];

/** The configuration of the image, as `docker import` takes it. */
const changes = ['ENV LANG=C.UTF-8', 'CMD ["bash"]'];

const { signal: never } = new AbortController();

/** Builds Debian with what agents need into an image of the engine, by `mmdebstrap` on the server's host. */
export function createBaseBuilder(engine: Engine, dataDir: string): BaseBuilder {
  return {
    imageName: baseName,
    build: (options) => onHost(() => buildBase(engine, dataDir, options)),
    async retire(unusedMs, inUse) {
      const images = await asked(never, () =>
        engine.docker.listImages({ filters: JSON.stringify({ reference: [`${baseRepository}:*`] }) }),
      );
      await retirePulled(engine, unusedMs);
      const used = await Promise.all(images.map(({ Id }) => inUse(Id)));
      if (!used.includes(true)) return;
      for (const [index, { Created, Id, RepoTags }] of images.entries()) {
        if (used[index] === true || Date.now() - Created * 1000 < unusedMs) continue;
        for (const tag of RepoTags ?? [Id]) await removeUnused(engine, tag);
      }
    },
  };
}

async function buildBase(
  engine: Engine,
  dataDir: string,
  { onProgress, rebuild, signal }: Parameters<BaseBuilder['build']>[0],
): Promise<Image> {
  const tag = `${baseRepository}:${inputsDigest()}`;
  const before = rebuild ? undefined : await inspectImage(engine, tag, signal);
  if (before !== undefined) {
    onProgress('the base image of these packages is built already');
    return baseImage(before.Id);
  }
  await requirePrograms({ mmdebstrap: 'mmdebstrap', tar: 'tar' });
  const parent = path.join(dataDir, 'docker');
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(path.join(parent, 'base-'));
  try {
    const root = path.join(folder, 'root.tar');
    onProgress(`installing Debian ${suite}`);
    await debstrap(mmdebstrapArguments(root), {
      cwd: folder,
      env: { TMPDIR: folder },
      signal,
      onLine: (line) => void (line.startsWith('I: ') && onProgress(line.slice(3))),
    });
    onProgress('importing it into the Docker engine');
    await asked(signal, async () => {
      const reply = await importArchive(engine, root, signal);
      const problem = await lastError(reply, signal);
      if (problem === undefined) return;
      const full = /no space left|quota exceeded/i.test(problem);
      throw new PlatformFault(`the Docker engine did not import the base: ${problem}`, { kind: full ? 'no-room' : 'lost' });
    });
    const { Id } = await asked(signal, () => engine.docker.getImage(tag).inspect());
    onProgress(`built ${Id}`);
    return baseImage(Id);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lets go of pulled images that no machine was started from for a while. */
async function retirePulled(engine: Engine, unusedMs: number): Promise<void> {
  const images = await asked(never, () => engine.docker.listImages({ filters: JSON.stringify({ reference: [`${pulledRepository}:*`] }) }));
  for (const { Id, RepoTags } of images) {
    const found = await inspectImage(engine, Id, never);
    const usedAt = Date.parse((found as { Metadata?: { LastTagTime?: string } } | undefined)?.Metadata?.LastTagTime ?? '');
    if (Number.isNaN(usedAt) || Date.now() - usedAt < unusedMs) continue;
    for (const tag of RepoTags ?? []) if (tag.startsWith(`${pulledRepository}:`)) await removeUnused(engine, tag);
  }
}

/** What a container runs from stays. */
async function removeUnused(engine: Engine, tag: string): Promise<void> {
  try {
    await asked(never, () => engine.docker.getImage(tag).remove());
  } catch (error) {
    if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
  }
}

function mmdebstrapArguments(output: string): readonly string[] {
  return [
    '--variant=apt',
    '--format=tar',
    `--include=${packages.join(',')}`,
    ...hooks.map((hook) => `--customize-hook=${hook}`),
    suite,
    output,
  ];
}

function inputsDigest(): string {
  return createHash('sha256')
    .update(JSON.stringify([suite, packages, hooks, changes]))
    .digest('hex')
    .slice(0, 32);
}

function baseImage(id: string): Image {
  const value = create(DockerSourceSchema, { imageRef: id });
  return create(ImageSchema, {
    name: baseName,
    description: 'Debian 12 as a container image',
    architecture: process.arch === 'arm64' ? Architecture.ARM64 : Architecture.AMD64,
    preinstalled,
    source: { case: 'docker', value },
  });
}

/** Sends an archive to the engine. One that cannot be read to its end is given up with the reason. */
async function importArchive(engine: Engine, file: string, signal: AbortSignal): Promise<NodeJS.ReadableStream> {
  const unreadable = new AbortController();
  const archive = createReadStream(file).on('error', (error) => unreadable.abort(error));
  const abortSignal = AbortSignal.any([signal, unreadable.signal]);
  try {
    return await engine.docker.importImage(archive, { repo: baseRepository, tag: inputsDigest(), changes, abortSignal });
  } catch (error) {
    throw unreadable.signal.aborted ? (unreadable.signal.reason as Error) : error;
  }
}
