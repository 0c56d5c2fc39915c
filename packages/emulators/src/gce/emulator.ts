import { randomBytes } from 'node:crypto';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { createAcceleratorProbe } from '@murmur/server/testing-machines';
import pino from 'pino';

import { copyDisk, diskSizeGb, tinyDisk } from '../machines/disks.js';
import { createClock } from '../wire/clock.js';
import { Faults } from '../wire/faults.js';
import { listen, type Listen } from '../wire/server.js';
import type { Provider } from './identity.js';
import { createMachines } from './machines.js';
import { answer, type Service } from './service.js';
import { defaultSettings } from './settings.js';
import { createTokens } from './tokens.js';
import { createWorld, imagePath, newId, type Image } from './world.js';

/** What an emulator is started with. */
export interface EmulatorOptions {
  readonly listen: Listen;
  readonly dataDir: string;
  /** A disk with a boot loader that becomes the base image, in place of the tiny test disk. */
  readonly baseDisk?: string;
  readonly memoryMb?: number;
  /** The subjects that may act as the service account. */
  readonly subjects?: readonly string[];
}

/** How clients find and enter the emulated project; the content of `emulator.json`. */
export interface Description {
  readonly endpoint: string;
  readonly project: string;
  readonly zones: readonly string[];
  readonly network: string;
  /** An access token that never ends. */
  readonly token: string;
  readonly base_image: string;
  /** Whom a key in the metadata item `ssh-keys` may be given to; any other name serves as well. */
  readonly ssh_user: string;
  readonly wif_provider_resource_name: string;
  readonly wif_service_account: string;
}

/** An emulator that listens. */
export interface Emulator extends AsyncDisposable, Service {
  readonly description: Description;
}

/**
 * Starts endpoints of Compute, the token service and IAM on one port, with a project and a base image, writes `emulator.json`
 * into the data directory and listens. It remembers nothing of an earlier one on the same directory.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const dataDir = await realpath(options.dataDir);
  const world = createWorld();
  const clock = createClock();
  const settings = { ...defaultSettings(), ...(options.subjects === undefined ? {} : { subjects: options.subjects }) };
  const token = `ya29.${randomBytes(32).toString('base64url')}`;
  const tokens = createTokens(clock, { token, holder: { name: 'operator@example.com', kind: 'account' } });
  const provider: Provider = {
    resourceName: `projects/${world.projectNumber}/locations/global/workloadIdentityPools/murmur/providers/murmur`,
    serviceAccount: `murmur-bake@${world.project}.iam.gserviceaccount.com`,
    issuer: undefined,
    keys: [],
    audiences: [],
  };

  const tiny = await tinyDisk(dataDir);
  const accelerator = await createAcceleratorProbe(dataDir, pino({ level: 'silent' })).of(tiny.boot.kernel);
  const memoryMb = options.memoryMb ?? (options.baseDisk === undefined ? 128 : 1024);
  const machines = await createMachines({ dataDir, accelerator, memoryMb, world, settings, clock });
  const id = newId();
  // A copy: whoever deletes the image deletes no file that is not ours.
  const file = machines.imageFile(id);
  await copyDisk(options.baseDisk ?? tiny.file, file);
  const base: Image = {
    id,
    name: 'debian-12-emulated',
    project: world.publicProject,
    family: 'debian-12',
    description: 'The base image of the emulator',
    // It has always been there, as far as anybody can see.
    bornAt: clock.now() - 86_400_000,
    labels: {},
    sizeGb: await diskSizeGb(file),
    file,
    boot: options.baseDisk === undefined ? tiny.boot : undefined,
    source: undefined,
    storageLocations: [],
    status: 'READY',
    deprecated: undefined,
  };
  world.images.set(`${base.project}/${base.name}`, base);

  const service: Service = { world, machines, settings, clock, provider, tokens, faults: new Faults(), seen: [], permissions: new Set() };
  const listener = await listen(options.listen, service, (whole) => answer(service, whole));
  const description: Description = {
    endpoint: listener.endpoint,
    project: world.project,
    zones: world.zones,
    network: 'default',
    token,
    base_image: imagePath(base),
    ssh_user: 'murmur-bake',
    wif_provider_resource_name: provider.resourceName,
    wif_service_account: provider.serviceAccount,
  };
  await writeFile(path.join(dataDir, 'emulator.json'), `${JSON.stringify(description, undefined, 2)}\n`, { mode: 0o600 });
  return {
    ...service,
    description,
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      await machines.close();
    },
  };
}
