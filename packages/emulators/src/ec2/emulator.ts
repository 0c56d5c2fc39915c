import { mkdir, realpath, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

import { buildTinyBase, createAcceleratorProbe, runOnHost } from '@murmur/server/testing-machines';
import pino from 'pino';

import { createAccounts } from './accounts.js';
import { Faults } from './faults.js';
import type { BootFiles } from './machine.js';
import { createMachines, registerBase } from './machines.js';
import { answer, type Service } from './service.js';
import { defaultSettings } from './settings.js';
import { createWorld, newId } from './world.js';

/** What an emulator is started with. */
export interface EmulatorOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly dataDir: string;
  /** A disk with a boot loader that becomes the base image, in place of the tiny test disk. */
  readonly baseDisk?: string;
  /** Who logs in to the base image. */
  readonly sshUser?: string;
  readonly memoryMb?: number;
  /** The external ids that the role's trust policy accepts. */
  readonly externalIds?: readonly string[];
}

/** How clients find and enter the emulated account; the content of `emulator.json`. */
export interface Description {
  readonly endpoint: string;
  readonly region: string;
  readonly account_id: string;
  readonly access_key_id: string;
  readonly secret_access_key: string;
  readonly role_arn: string;
  readonly external_ids: readonly string[];
  readonly vpc_id: string;
  readonly subnets: readonly string[];
  readonly security_group_id: string;
  readonly image_id: string;
  readonly ssh_user: string;
}

/** An emulator that listens. */
export interface Emulator extends AsyncDisposable, Service {
  readonly description: Description;
}

const regions = ['us-east-1', 'us-west-2'];
const gib = 1024 ** 3;

/**
 * Starts an EC2 and STS endpoint with one account, a role and a base image, writes `emulator.json` into the data directory and
 * listens. It remembers nothing of an earlier one on the same directory.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const dataDir = await realpath(options.dataDir);
  const accountId = '123456789012';
  const accounts = createAccounts(accountId);
  const role = { arn: `arn:aws:iam::${accountId}:role/murmur-bake`, externalIds: options.externalIds ?? ['local/default'] };
  accounts.roles.set(role.arn, role);
  const settings = defaultSettings();
  const worlds = new Map(regions.map((region) => [region, createWorld(region)]));
  const [region = '', world = createWorld('')] = [...worlds][0] ?? [];

  const tiny = await tinyDisk(dataDir);
  const accelerator = await createAcceleratorProbe(dataDir, pino({ level: 'silent' })).of(tiny.boot.kernel);
  const memoryMb = options.memoryMb ?? (options.baseDisk === undefined ? 128 : 1024);
  const machines = await createMachines({ dataDir, accountId, accelerator, memoryMb, settings });
  // A copy: whoever deletes the snapshot deletes no file that is not ours.
  const file = machines.snapshotFile(newId('base'));
  await runOnHost('qemu-img', ['convert', '-O', 'qcow2', options.baseDisk ?? tiny.disk, file]);
  const base = registerBase(world, {
    name: 'emulator-base',
    file,
    sizeGb: await sizeOf(file),
    boot: options.baseDisk === undefined ? tiny.boot : undefined,
  });

  const service: Service = { accounts, worlds, machines, settings, faults: new Faults(), seen: [] };
  const server = createServer((request, response) => void answer(service, request, response));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(options.listen.port, options.listen.host, resolve));
  const { port } = server.address() as AddressInfo;
  const description: Description = {
    endpoint: `http://${options.listen.host}:${port}`,
    region,
    account_id: accountId,
    access_key_id: accounts.user.accessKeyId,
    secret_access_key: accounts.user.secretAccessKey,
    role_arn: role.arn,
    external_ids: role.externalIds,
    vpc_id: world.vpcId,
    subnets: [...world.subnets.keys()],
    security_group_id: [...world.groups.keys()][0] ?? '',
    image_id: base.id,
    ssh_user: options.sshUser ?? (options.baseDisk === undefined ? 'root' : 'admin'),
  };
  await writeFile(path.join(dataDir, 'emulator.json'), `${JSON.stringify(description, undefined, 2)}\n`, { mode: 0o600 });
  return {
    ...service,
    description,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await machines.close();
    },
  };
}

/** The tiny test disk, put where QEMU can read it. */
async function tinyDisk(dataDir: string): Promise<{ readonly disk: string; readonly boot: BootFiles }> {
  const places = { dataDir: path.join(dataDir, 'base'), runtimeDir: path.join(dataDir, 'run') };
  const digest = await buildTinyBase(places);
  const folder = path.join(places.dataDir, 'images', digest.replace(':', '-'));
  return {
    disk: path.join(folder, 'disk.qcow2'),
    boot: { kernel: path.join(folder, 'kernel'), initrd: path.join(folder, 'initrd'), commandLine: 'root=/dev/vda quiet' },
  };
}

/** A disk's size in whole GiB, as EC2 counts. */
async function sizeOf(file: string): Promise<number> {
  await stat(file);
  const info = JSON.parse(await runOnHost('qemu-img', ['info', '--output=json', file])) as { 'virtual-size': number };
  return Math.ceil(info['virtual-size'] / gib);
}
