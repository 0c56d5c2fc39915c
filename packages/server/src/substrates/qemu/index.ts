import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema, MurmurError, QemuSourceSchema, type Image } from '@murmur/api';
import type { Logger } from 'pino';

import { diskIsAbsent, type Substrate, type Token } from '../substrate.js';
import { createAcceleratorProbe } from './accelerator.js';
import { buildBase, type BaseBuildOptions } from './base/build.js';
import { retireBases } from './base/retire.js';
import { preinstalled } from './base/packages.js';
import { createChannels } from './channels.js';
import { captureMachine } from './capture.js';
import { captureNotes, digestIn, forgetCapture, imageReference } from './capture-notes.js';
import { runOnHost } from './host-command.js';
import { chainIsWhole, discardImage, isDiscarded, removeDiscarded } from './images.js';
import { imageFolder, isDigest, openLayout, type Digest, type Layout } from './layout.js';
import { launchMachine } from './launch.js';
import { oneAtATime } from './one-at-a-time.js';
import { destroyThing, listThings, machineBases, removeAbandonedBuilds } from './owned.js';
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
  readonly log: Logger;
}

/** What this substrate can do beyond the port. */
export interface QemuExtras {
  /** Builds the platform's base image for these machines, or finds the one built from the same inputs. */
  buildBase(options: BaseBuildOptions & { readonly name: string }): Promise<{ readonly image: Image }>;
  /** Ends the connections to machines, which go on without them. */
  close(): Promise<void>;
}

/** The substrate that runs machines as QEMU processes on the server's own host. Throws where QEMU is not installed. */
export async function createQemuSubstrate(options: QemuOptions): Promise<Substrate & QemuExtras> {
  for (const program of [qemuProgram, 'qemu-img']) await runOnHost(program, ['--version']);
  const layout = await openLayout(options.dataDir, options.runtimeDir);
  await removeAbandonedBuilds(layout);
  for (const name of await readdir(layout.exports)) await rm(path.join(layout.exports, name), { recursive: true, force: true });
  const probe = createAcceleratorProbe(layout.dataDir, options.log);
  const channels = createChannels(layout);
  const inTurn = oneAtATime();
  const alone = <T>(task: () => Promise<T>) => inTurn('all images', task);

  return {
    name: 'QEMU',
    capabilities: { keepsFailedMachines: true, exportsImages: true, buildsBases: true },
    scope: () => 'qemu-local',
    resolveBase: async (image) => ({ immutableId: await localDigest(layout, image), architecture: 'AMD64' }),
    launch: (spec, token, signal) =>
      inTurn(token, async () => {
        signal.throwIfAborted();
        await launchMachine(layout, probe, spec, token);
        return { token, handle: { token } };
      }),
    async waitReady(machine, keys, signal) {
      await using channel = await channels.open(machine.token, keys, signal);
      await waitForBoot(channel, signal);
    },
    channel: (machine, keys, signal) => channels.open(machine.token, keys, signal),
    capture: (machine, keys, artifact, signal) =>
      inTurn(machine.token, async () => {
        const diskDigest = await captureMachine(layout, { machine: machine.token, keys, artifact, channels, signal, alone });
        return {
          source: { case: 'qemu', value: create(QemuSourceSchema, { diskDigest }) },
          reference: imageReference(layout, diskDigest, artifact.token),
        };
      }),
    imageExists: async (reference, check) => {
      const digest = digestIn(layout, reference);
      return !(await isDiscarded(layout, digest)) && chainIsWhole(layout, digest, check);
    },
    keepImage: async (reference) => {
      const half = reference['making'];
      if (typeof half === 'string') return destroyThing(layout, half as Token);
      digestIn(layout, reference);
      await forgetCapture(layout, reference['token']);
    },
    discardImage: async (reference) => {
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
    destroy: (token) =>
      inTurn(token, async () => {
        await channels.close(token);
        await destroyThing(layout, token);
        await alone(async () => removeDiscarded(layout, await machineBases(layout)));
      }),
    listOwned: (installation) => listThings(layout, installation),
    retireBases: (unusedMs, inUse) =>
      // Not while a build may be about to give out one that was built before.
      inTurn('base build', () => alone(async () => retireBases(layout, { unusedMs, inUse, machineBases: await machineBases(layout) }))),
    shellCommand: (machine, keys) => shellCommand(layout, machine.token, keys),

    close: () => channels.closeAll(),

    buildBase: (build) =>
      inTurn('base build', async () => {
        const diskDigest = await buildBase(layout, build);
        const value = create(QemuSourceSchema, { diskDigest });
        const image = {
          name: build.name,
          description: 'Debian 12, booted directly by QEMU',
          architecture: Architecture.AMD64,
          preinstalled,
        };
        return { image: create(ImageSchema, { ...image, source: { case: 'qemu', value } }) };
      }),

    async exportImage(image, signal) {
      const disk = path.join(imageFolder(layout, await localDigest(layout, image)), 'disk.qcow2');
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

async function localDigest(layout: Layout, image: Image): Promise<Digest> {
  if (image.source.case !== 'qemu') throw new MurmurError('INVALID_ARGUMENT', `image "${image.name}" is not a QEMU image`);
  const digest = image.source.value.diskDigest;
  if (!isDigest(digest) || (await isDiscarded(layout, digest)) || !(await chainIsWhole(layout, digest, 'quick'))) {
    throw diskIsAbsent(image, digest);
  }
  return digest;
}
