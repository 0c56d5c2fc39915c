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
import { newId, zonalPath, type Instance, type World } from './world.js';

/** A guest that does not go down by itself is cut off after this long, as Google does. */
const powerOffMs = 90_000;

/** The machines and disks behind instances, disks and images. */
export interface Machines {
  newAddress(): Promise<string>;
  giveBack(address: string): void;
  diskFile(id: string): string;
  imageFile(id: string): string;
  /** Makes the disk of a new instance, from an image where there is one, and starts it. */
  launch(instance: Instance, imageFile: string | undefined, imageSizeGb: number): Promise<void>;
  start(instance: Instance): Promise<void>;
  /** Presses the power button, and waits. */
  stop(instance: Instance): Promise<void>;
  /** Ends an instance, with its disk where that is to go with it. */
  remove(instance: Instance): Promise<void>;
  console(instance: Instance): Promise<string>;
  copy(from: string, to: string): Promise<void>;
  removeFile(file: string): Promise<void>;
  /** Ends every machine. */
  close(): Promise<void>;
}

/** What machines need of their host and cloud. */
export interface MachinesOptions {
  readonly dataDir: string;
  readonly accelerator: Accelerator;
  readonly memoryMb: number;
  readonly world: World;
  readonly settings: Settings;
  readonly clock: Clock;
}

/** Machines below a data directory, which holds nothing else. */
export async function createMachines({ accelerator, clock, dataDir, memoryMb, settings, world }: MachinesOptions): Promise<Machines> {
  const folders = { instances: path.join(dataDir, 'i'), disks: path.join(dataDir, 'disks'), images: path.join(dataDir, 'images') };
  // Nothing of an emulator that ended is remembered, so nothing it left is of use.
  for (const folder of Object.values(folders)) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const folderOf = ({ id }: Instance) => path.join(folders.instances, id);
  const addresses = createAddresses();
  const services = new Map<string, MetadataService>();
  const running = new Set<Instance>();

  const machines: Machines = {
    newAddress: () => addresses.take(),
    giveBack: (address) => addresses.giveBack(address),
    diskFile: (id) => path.join(folders.disks, `${id}.qcow2`),
    imageFile: (id) => path.join(folders.images, `${id}.qcow2`),
    async launch(instance, imageFile, imageSizeGb) {
      const { disk } = instance;
      if (imageFile !== undefined && !settings.withoutMachines) {
        await copyDisk(imageFile, disk.file);
        if (disk.sizeGb > imageSizeGb) await growDisk(disk.file, disk.sizeGb);
      }
      await machines.start(instance);
    },
    async start(instance) {
      instance.status = 'STAGING';
      if (settings.withoutMachines) {
        instance.status = 'RUNNING';
        return arm(instance);
      }
      await mkdir(folderOf(instance), { recursive: true, mode: 0o700 });
      const service = await serveMetadata(world, instance, settings);
      const host = deriveGuestKeys(randomBytes(64));
      // It may have been deleted meanwhile.
      if (!world.instances.has(`${instance.zone}/${instance.name}`)) return service.close();
      services.set(instance.id, service);
      const serial = `GoogleCloud-${instance.id}`;
      const machine = await startMachine({
        folder: folderOf(instance),
        name: instance.name,
        firmware: { manufacturer: 'Google', product: 'Google Compute Engine', uuid: uuidOf(instance), serial },
        // A guest without Google's agent has no program to make its own.
        firmwareFiles:
          instance.disk.boot === undefined ? {} : { 'opt/gce/host-key': host.hostPrivate, 'opt/gce/host-public': host.hostPublic },
        disk: instance.disk.file,
        boot: instance.disk.boot,
        accelerator,
        memoryMb,
        address: instance.address,
        metadataPort: service.port,
      });
      running.add(instance);
      Object.assign(instance, { machine, status: 'RUNNING' });
      arm(instance);
      void machine.ended.then((end) => {
        running.delete(instance);
        service.close();
        instance.machine = undefined;
        // The guest powered off, or the machine was lost; whoever stops or deletes it sees to the rest.
        if (instance.status !== 'RUNNING') return;
        noteEnd(instance, end === 'off' ? 'compute.instances.guestTerminate' : 'compute.instances.hostError');
        Object.assign(instance, { status: 'TERMINATED', endsAt: undefined });
      });
    },
    async stop(instance) {
      instance.status = 'STOPPING';
      const { machine } = instance;
      if (machine !== undefined) {
        machine.pressPower();
        const limit = setTimeout(() => machine.kill(), powerOffMs);
        await machine.ended;
        clearTimeout(limit);
      }
      // A stop clears the limit: from here on the instance stays.
      if (instance.status === 'STOPPING') Object.assign(instance, { status: 'TERMINATED', endsAt: undefined });
    },
    async remove(instance) {
      Object.assign(instance, { status: 'STOPPING', endsAt: undefined });
      instance.machine?.kill();
      await instance.machine?.ended;
      services.get(instance.id)?.close();
      services.delete(instance.id);
      const { disk, name, zone } = instance;
      world.instances.delete(`${zone}/${name}`);
      disk.user = undefined;
      if (instance.autoDelete) {
        world.disks.delete(`${zone}/${disk.name}`);
        await machines.removeFile(disk.file);
      }
      addresses.giveBack(instance.address);
      await rm(folderOf(instance), { recursive: true, force: true });
    },
    console: (instance) => consoleText(folderOf(instance)),
    copy: copyDisk,
    removeFile: (file) => rm(file, { force: true }),
    async close() {
      const ending = [...running].flatMap(({ machine }) => machine ?? []);
      for (const machine of ending) machine.kill();
      await Promise.all(ending.map(({ ended }) => ended));
      for (const service of services.values()) service.close();
    },
  };

  /** Nobody asked for it: Google itself writes it down. */
  function noteEnd(instance: Instance, type: string): void {
    const id = newId();
    const at = clock.now();
    const name = `systemevent-${at}-${id}`;
    const target = { zone: instance.zone, targetPath: zonalPath(world, 'instances', instance), targetId: instance.id };
    const done = { requestId: undefined, ended: Promise.resolve(), endedAt: at, error: undefined };
    world.operations.set(name, { id, name, call: type, type, ...target, user: 'system', bornAt: at, ...done });
  }

  /** Ends an instance at its limit, unless it was stopped, deleted or started again by then. */
  function arm(instance: Instance): void {
    if (instance.maxRunSeconds === undefined) return;
    const endsAt = clock.now() + instance.maxRunSeconds * 1000;
    instance.endsAt = endsAt;
    void clock.sleep(instance.maxRunSeconds * 1000).then(async () => {
      if (instance.endsAt !== endsAt) return;
      await (instance.onLimit === 'DELETE' ? machines.remove(instance) : machines.stop(instance));
    });
  }
  return machines;
}

function uuidOf({ id }: Instance): string {
  const hex = BigInt(id).toString(16).padStart(16, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8000-000000000000`;
}
