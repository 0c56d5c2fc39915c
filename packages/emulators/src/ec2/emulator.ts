import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { createAcceleratorProbe } from '@murmur/server/testing-machines';
import pino from 'pino';

import { copyDisk, diskSizeGb, tinyDisk } from '../machines/disks.js';
import { createClock } from '../wire/clock.js';
import { ControlError } from '../wire/control-error.js';
import { Faults } from '../wire/faults.js';
import { listen, type Listen } from '../wire/server.js';
import { createAccounts, type GuideDocuments } from './accounts.js';
import { parsePolicy } from './iam/policy.js';
import { createMachines, registerBase, userReason, type Machines } from './machines.js';
import { answer, type Service } from './service.js';
import { defaultSettings } from './settings.js';
import { createWorld, newId, type Instance, type World } from './world.js';

/** What an emulator is started with. */
export interface EmulatorOptions {
  readonly listen: Listen;
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
  /** A role in another account. */
  readonly other_account_role_arn: string;
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

/**
 * Starts an EC2 and STS endpoint with one account, a role and a base image, writes `emulator.json` into the data directory and
 * listens. It remembers nothing of an earlier one on the same directory.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const dataDir = await realpath(options.dataDir);
  const accountId = '123456789012';
  const clock = createClock();
  const accounts = createAccounts(accountId, clock, await readGuide());
  const role = { arn: `arn:aws:iam::${accountId}:role/murmur-bake`, externalIds: options.externalIds ?? ['local/default'] };
  accounts.roles.set(role.arn, role);
  // In another account, where it may do nothing.
  const elsewhere = { ...role, arn: 'arn:aws:iam::210987654321:role/murmur-bake', policy: { Version: '2012-10-17', Statement: [] } };
  accounts.roles.set(elsewhere.arn, elsewhere);
  const settings = defaultSettings();
  const worlds = new Map(regions.map((region) => [region, createWorld(region)]));
  const [region = '', world = createWorld('')] = [...worlds][0] ?? [];

  const tiny = await tinyDisk(dataDir);
  const accelerator = await createAcceleratorProbe(dataDir, pino({ level: 'silent' })).of(tiny.boot.kernel);
  const memoryMb = options.memoryMb ?? (options.baseDisk === undefined ? 128 : 1024);
  const machines = await createMachines({ dataDir, accountId, accelerator, memoryMb, settings, clock });
  // A copy: whoever deletes the snapshot deletes no file that is not ours.
  const file = machines.snapshotFile(newId('base'));
  await copyDisk(options.baseDisk ?? tiny.file, file);
  const base = registerBase(world, {
    name: 'emulator-base',
    file,
    sizeGb: await diskSizeGb(file),
    boot: options.baseDisk === undefined ? tiny.boot : undefined,
  });

  const service: Service = {
    accounts,
    worlds,
    machines,
    settings,
    faults: new Faults(),
    seen: [],
    clock,
    events: eventsOf(worlds, machines),
  };
  const listener = await listen(options.listen, service, (whole) => answer(service, whole));
  const description: Description = {
    endpoint: listener.endpoint,
    region,
    account_id: accountId,
    access_key_id: accounts.user.accessKeyId,
    secret_access_key: accounts.user.secretAccessKey,
    role_arn: role.arn,
    other_account_role_arn: elsewhere.arn,
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
      await listener[Symbol.asyncDispose]();
      await machines.close();
    },
  };
}

/** What befalls instances: their host dies, somebody ends them, or Amazon stops them. */
function eventsOf(worlds: ReadonlyMap<string, World>, machines: Machines): Service['events'] {
  const on = (act: (world: World, instance: Instance) => void) => (id: string) => {
    for (const world of worlds.values()) {
      const instance = world.instances.get(id);
      if (instance !== undefined) return act(world, instance);
    }
    throw new ControlError(`there is no instance ${id}`, 404);
  };
  return {
    lose: on((_world, { machine }) => machine?.kill()),
    terminate: on(
      (world, instance) => void machines.terminate(world, instance, userReason('UserInitiatedShutdown', 'User initiated shutdown')),
    ),
    stop: on((_world, instance) => void machines.stop(instance, 'asked')),
  };
}

/** The documents that the guide to AWS gives to whoever sets up an account. */
async function readGuide(): Promise<GuideDocuments> {
  const read = async (name: string) => parsePolicy(await readFile(new URL(`../../../../deploy/aws/${name}`, import.meta.url), 'utf8'));
  return { policy: await read('policy.json'), trust: await read('trust.json') };
}
