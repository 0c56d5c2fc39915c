import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';

import { deriveGuestKeys, type Accelerator } from '@murmur/server/testing-machines';

import { createAddresses } from '../machines/addresses.js';
import { copyDisk, growDisk } from '../machines/disks.js';
import { consoleText, startMachine } from '../machines/machine.js';
import type { Clock } from '../wire/clock.js';
import { serveMetadata, type MetadataService } from './metadata.js';
import type { Settings } from './settings.js';
import { oldThing, type Image, type Instance, type Snapshot, type World } from './world.js';

/** A guest that does not go down by itself is cut off after this long, as EC2 does after minutes. */
const powerOffMs = 60_000;
/** A terminated instance is listed for this long. */
const afterlifeMs = 60 * 60_000;

/** The machines and disks behind instances, volumes and snapshots. */
export interface Machines {
  newAddress(): Promise<string>;
  volumeFile(id: string): string;
  snapshotFile(id: string): string;
  /** Makes the disk of a new instance and starts it. */
  launch(world: World, instance: Instance): Promise<void>;
  start(world: World, instance: Instance): Promise<void>;
  stop(instance: Instance, how: 'asked' | 'forced'): Promise<void>;
  terminate(world: World, instance: Instance, reason: { code: string; message: string }): Promise<void>;
  /** Copies an instance's disk, and says so in the image and the snapshot when it is done. */
  capture(world: World, instance: Instance, image: Image, snapshot: Snapshot, reboot: 'reboot' | 'no-reboot'): Promise<void>;
  console(instance: Instance): Promise<string>;
  removeFile(file: string): Promise<void>;
  /** Ends every machine. */
  close(): Promise<void>;
}

/** What machines need of their host. */
export interface MachinesOptions {
  readonly dataDir: string;
  readonly accountId: string;
  readonly accelerator: Accelerator;
  readonly memoryMb: number;
  readonly settings: Settings;
  readonly clock: Clock;
}

/** Machines below a data directory, which holds nothing else. */
export async function createMachines(options: MachinesOptions): Promise<Machines> {
  const { accelerator, accountId, clock, dataDir, memoryMb, settings } = options;
  const folders = {
    instances: path.join(dataDir, 'i'),
    volumes: path.join(dataDir, 'volumes'),
    snapshots: path.join(dataDir, 'snapshots'),
  };
  // Nothing of an emulator that ended is remembered, so nothing it left is of use.
  for (const folder of Object.values(folders)) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const folderOf = ({ id }: Instance) => path.join(folders.instances, id);
  const services = new Map<string, MetadataService>();
  const running = new Set<Instance>();
  const addresses = createAddresses();

  const machines: Machines = {
    newAddress: () => addresses.take(),
    volumeFile: (id) => path.join(folders.volumes, `${id}.qcow2`),
    snapshotFile: (id) => path.join(folders.snapshots, `${id}.qcow2`),
    async launch(world, instance) {
      const snapshot = world.snapshots.get(instance.volume.snapshotId);
      if (snapshot === undefined) throw new Error('an image has no snapshot');
      await mkdir(folderOf(instance), { mode: 0o700 });
      // A copy, so that the snapshot can be deleted while the machine runs.
      await copyDisk(snapshot.file, instance.volume.file);
      if (world.volumes.get(instance.volume.id) === undefined) return machines.removeFile(instance.volume.file);
      const { sizeGb } = instance.volume;
      if (sizeGb > snapshot.sizeGb) await growDisk(instance.volume.file, sizeGb);
      await machines.start(world, instance);
    },
    async start(world, instance) {
      const service = await serveMetadata(world, instance, accountId);
      services.set(instance.id, service);
      await clock.sleep(settings.instancePendingMs);
      if (instance.state !== 'pending') return;
      const [failure, ...others] = settings.failLaunches;
      if (failure !== undefined) {
        settings.failLaunches = others;
        return machines.terminate(world, instance, { code: failure, message: `${failure}: This was injected by the emulator.` });
      }
      const machine = await startMachine({
        folder: folderOf(instance),
        name: instance.id,
        firmware: firmwareOf(instance),
        firmwareFiles: hostKeyOf(instance),
        disk: instance.volume.file,
        boot: instance.boot,
        accelerator,
        memoryMb,
        address: instance.address,
        metadataPort: service.port,
      });
      running.add(instance);
      instance.machine = machine;
      instance.state = 'running';
      void machine.ended.then(async (end) => {
        running.delete(instance);
        service.close();
        instance.machine = undefined;
        // Who stops or terminates it sees to the rest.
        if (instance.state !== 'running') return;
        const killed = end === 'killed';
        const code = killed ? 'Server.InternalError' : 'Client.InstanceInitiatedShutdown';
        const reason = { code, message: `${code}: ${killed ? 'Internal error on launch' : 'Instance initiated shutdown'}` };
        if (killed || instance.onShutdown === 'terminate') return machines.terminate(world, instance, reason);
        Object.assign(instance, { state: 'stopped', reason });
      });
    },
    async stop(instance, how) {
      Object.assign(instance, { state: 'stopping', reason: userReason('UserInitiatedShutdown', 'User initiated shutdown') });
      if (how === 'forced') instance.machine?.kill();
      await powerOff(instance);
      // It may have been terminated meanwhile.
      if (instance.state === 'stopping') instance.state = 'stopped';
    },
    async terminate(world, instance, reason) {
      if (instance.state === 'terminated' || instance.state === 'shutting-down') return;
      Object.assign(instance, { state: 'shutting-down', reason });
      instance.machine?.kill();
      await instance.machine?.ended;
      services.get(instance.id)?.close();
      services.delete(instance.id);
      instance.volume.attachedTo = undefined;
      if (instance.volume.deleteOnTermination) {
        world.volumes.delete(instance.volume.id);
        await machines.removeFile(instance.volume.file);
      }
      world.interfaces.delete(instance.networkInterface.id);
      addresses.giveBack(instance.address);
      await rm(folderOf(instance), { recursive: true, force: true });
      Object.assign(instance, { state: 'terminated', endedAt: clock.now() });
      void clock.sleep(afterlifeMs).then(() => world.instances.delete(instance.id));
    },
    async capture(world, instance, image, snapshot, reboot) {
      const started = clock.now();
      const restarts = reboot === 'reboot' && instance.state === 'running';
      const fails = settings.failImages > 0;
      if (fails) settings.failImages--;
      try {
        if (restarts) {
          // Neither a stop nor the guest's own end.
          instance.state = 'pending';
          await powerOff(instance);
        }
        await copyDisk(instance.volume.file, snapshot.file);
        if (restarts && instance.state === 'pending') await machines.start(world, instance);
        await clock.sleep(started + settings.imagePendingMs - clock.now());
        if (fails) throw new Error('Snapshot creation failed');
        Object.assign(snapshot, { state: 'completed' });
        Object.assign(image, { state: 'available' });
      } catch (error) {
        const reason =
          instance.endedAt === undefined ? String(error) : 'Client.InstanceTerminated: Instance was terminated during AMI creation';
        Object.assign(snapshot, { state: 'error' });
        Object.assign(image, { state: 'failed', reason });
      }
    },
    console: (instance) => consoleText(folderOf(instance)),
    removeFile: (file) => rm(file, { force: true }),
    async close() {
      const ending = [...running].flatMap(({ machine }) => machine ?? []);
      for (const machine of ending) machine.kill();
      await Promise.all(ending.map(({ ended }) => ended));
      for (const service of services.values()) service.close();
    },
  };
  return machines;
}

/** EC2's guests know where they are from the firmware, and so does cloud-init. */
function firmwareOf({ id }: Instance) {
  const uuid = `ec2${id.slice(-17, -12)}-${id.slice(-12, -8)}-4${id.slice(-8, -5)}-8${id.slice(-5, -2)}-000000000000`;
  return { manufacturer: 'Amazon EC2', product: 'emulated', uuid, serial: uuid };
}

/** A key for a guest that has no program to make one, unless its user-data brings one. */
function hostKeyOf({ boot }: Instance): Record<string, string> {
  return boot === undefined ? {} : { 'opt/ec2/host-key': deriveGuestKeys(randomBytes(64)).hostPrivate };
}

async function powerOff({ machine }: Instance): Promise<void> {
  if (machine === undefined) return;
  machine.pressPower();
  const limit = setTimeout(() => machine.kill(), powerOffMs);
  await machine.ended;
  clearTimeout(limit);
}

/** Why something ended that its owner ended. */
export function userReason(code: string, message: string): { code: string; message: string } {
  return { code: `Client.${code}`, message: `Client.${code}: ${message}` };
}

/** Registers a disk that lies there already as an available image. */
export function registerBase(world: World, base: Pick<Image, 'name' | 'boot' | 'sizeGb'> & { readonly file: string }): Image {
  const snapshot: Snapshot = {
    ...oldThing('snap'),
    volumeId: 'vol-ffffffff',
    sizeGb: base.sizeGb,
    encrypted: false,
    description: base.name,
    file: base.file,
    state: 'completed',
  };
  const image: Image = {
    ...oldThing('ami'),
    name: base.name,
    description: 'The base image of the emulator',
    sourceInstanceId: undefined,
    snapshotId: snapshot.id,
    sizeGb: base.sizeGb,
    boot: base.boot,
    state: 'available',
    reason: undefined,
  };
  world.snapshots.set(snapshot.id, snapshot);
  world.images.set(image.id, image);
  return image;
}
