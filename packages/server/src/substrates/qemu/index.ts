import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema, MurmurError, QemuSourceSchema, type Image } from '@murmur/api';
import type { Logger } from 'pino';

import { defaultReach, type GuestReach } from '../guest-reach.js';
import type { Handle, Rights, Site, Substrate, Token } from '../substrate.js';
import { createAcceleratorProbe } from './accelerator.js';
import { buildBase } from './base/build.js';
import { retireBases } from './base/retire.js';
import { preinstalled } from './base/packages.js';
import { createChannels } from './channels.js';
import { captureMachine } from './capture.js';
import { captureNotes, digestIn, forgetCapture, imageReference } from './capture-notes.js';
import { runOnHost } from '../host-command.js';
import { guardMachines } from './guard.js';
import { onHost } from '../host-faults.js';
import { chainIsWhole, discardImage, isDiscarded, removeDiscarded } from './images.js';
import { openIsolation } from './isolation.js';
import { imageFolder, isDigest, openLayout, type Digest, type Layout } from './layout.js';
import { launchMachine } from './launch.js';
import { readManifest } from './manifest.js';
import { oneAtATime } from './one-at-a-time.js';
import { destroyThing, finishThing, listThings, machineBases, removeAbandoned } from './owned.js';
import { qemuProgram } from './qemu-program.js';
import { waitForBoot } from './ready.js';
import { shellCommand } from './shell-command.js';

/** What the substrate is made with. */
export interface QemuOptions {
  /** Machines and images live below it. */
  readonly dataDir: string;
  /** A folder with a short path for control sockets. */
  readonly runtimeDir: string;
  readonly installation: string;
  /** What guests may connect to. */
  readonly reach?: GuestReach;
  readonly log: Logger;
}

/** This substrate has all that only some have. */
export type QemuSubstrate = Substrate & Required<Pick<Substrate, 'baseBuilder' | 'close' | 'exportImage' | 'guard' | 'shellCommand'>>;

/** The catalog name of the platform's base image. */
const baseName = 'murmur-qemu-base';

/** The substrate that runs machines as QEMU processes on the server's own host. Throws where QEMU is not installed. */
export async function createQemuSubstrate(options: QemuOptions): Promise<QemuSubstrate> {
  for (const program of [qemuProgram, 'qemu-img']) await runOnHost(program, ['--version']);
  const layout = await openLayout(options.dataDir, options.runtimeDir);
  await removeAbandoned(layout);
  const probe = createAcceleratorProbe(layout.dataDir, options.log);
  const isolation = await openIsolation(options.reach ?? defaultReach, options.log);
  const channels = createChannels(layout, options.log);
  const inTurn = oneAtATime();
  const site = { host: layout.host } as Handle as Site;
  const alone = <T>(task: () => Promise<T>) => inTurn('all images', task);

  return {
    name: 'QEMU',
    local: true,
    scope: () => 'qemu-local',
    siteOf: () => site,
    serves: ({ host }) => host === layout.host,
    resolveBase: async (_site, image, rights) => {
      const immutableId = await localDigest(layout, image, rights);
      const bytes = (await readManifest(layout, immutableId))?.disk.virtualSize ?? 0;
      return { immutableId, architecture: 'AMD64', minimumDiskGb: Math.ceil(bytes / 1024 ** 3) };
    },
    launch: (spec, token, signal) =>
      inTurn(token, async () => {
        signal.throwIfAborted();
        await onHost(() => launchMachine(layout, { probe, isolation }, spec, token));
        return { site, token, handle: { token } };
      }),
    guard: () => guardMachines(layout, isolation, options.log),
    waitReady: (machine, keys, signal) => onHost(() => waitForBoot((limit) => channels.open(machine.token, keys, limit), signal)),
    channel: (machine, keys, signal) => onHost(() => channels.open(machine.token, keys, signal)),
    capture: (machine, keys, artifact, signal) =>
      inTurn(machine.token, async () => {
        const request = { machine: machine.token, keys, artifact, channels, signal, alone };
        const diskDigest = await onHost(() => captureMachine(layout, request));
        return {
          source: { case: 'qemu', value: create(QemuSourceSchema, { diskDigest }) },
          reference: imageReference(layout, diskDigest, artifact.token),
        };
      }),
    imageId: ({ diskDigest }) => (typeof diskDigest === 'string' ? diskDigest : undefined),
    imageExists: async (_site, reference, check) => {
      const digest = digestIn(layout, reference);
      return !(await isDiscarded(layout, digest)) && chainIsWhole(layout, digest, check);
    },
    keepImage: async (_site, reference) => {
      const half = reference['making'];
      if (typeof half === 'string') return alone(() => finishThing(layout, half as Token));
      digestIn(layout, reference);
      await forgetCapture(layout, reference['token']);
    },
    discardImage: async (_site, reference) => {
      const half = reference['making'];
      if (typeof half === 'string') return destroyThing(layout, half as Token);
      const digest = digestIn(layout, reference);
      await alone(async () => {
        // Two bakes may come to one disk, and the other one may be just about to register it.
        const others = (await captureNotes(layout)).filter((note) => note.digest === digest && note.token !== reference['token']);
        if (others.length === 0) await discardImage(layout, digest, await machineBases(layout));
        await forgetCapture(layout, reference['token']);
      });
    },
    destroy: (_site, token) =>
      inTurn(token, async () => {
        await channels.close(token);
        await destroyThing(layout, token);
        await alone(async () => removeDiscarded(layout, await machineBases(layout)));
      }),
    listOwned: async (_site, installation) => ({ things: await listThings(layout, installation) }),
    shellCommand: (machine, keys) => shellCommand(layout, machine.token, keys),

    async checkPlacement() {
      const version = (await runOnHost(qemuProgram, ['--version'])).split('\n')[0] ?? '';
      return [{ check: 'QEMU', outcome: 'ok', found: version }];
    },
    close: () => channels.closeAll(),

    baseBuilder: {
      imageName: baseName,
      build: (build) =>
        inTurn('base build', async () => {
          const diskDigest = await onHost(() => buildBase(layout, build));
          const value = create(QemuSourceSchema, { diskDigest });
          const image = {
            name: baseName,
            description: 'Debian 12, booted directly by QEMU',
            architecture: Architecture.AMD64,
            preinstalled,
          };
          return create(ImageSchema, { ...image, source: { case: 'qemu', value } });
        }),
      retire: (unusedMs, inUse) =>
        // Not while a build may be about to give out one that was built before.
        inTurn('base build', () => alone(async () => retireBases(layout, { unusedMs, inUse, machineBases: await machineBases(layout) }))),
    },

    async exportImage(_site, { immutableId }, signal) {
      const disk = path.join(imageFolder(layout, digestIn(layout, { diskDigest: immutableId })), 'disk.qcow2');
      const file = path.join(layout.exports, `${randomUUID()}.qcow2`);
      const remove = () => rm(file, { force: true });
      try {
        await runOnHost('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'qcow2', disk, file], { signal });
      } catch (error) {
        await remove();
        throw error;
      }
      return { file, [Symbol.asyncDispose]: remove };
    },
  };
}

async function localDigest(layout: Layout, image: Image, rights: Rights): Promise<Digest> {
  if (image.source.case !== 'qemu') throw new MurmurError('INVALID_ARGUMENT', `image "${image.name}" is not a QEMU image`);
  const digest = image.source.value.diskDigest;
  // Every tenant's disks lie side by side here, and an image written by hand can name any of them.
  if (
    isDigest(digest) &&
    (await rights.mayUse(digest)) &&
    !(await isDiscarded(layout, digest)) &&
    (await chainIsWhole(layout, digest, 'quick'))
  ) {
    return digest;
  }
  throw new MurmurError('FAILED_PRECONDITION', `image "${image.name}": disk ${digest} is not on this server`, {
    hint: 'Build the base image again with "murmur base build", or bake the recipe again.',
  });
}
