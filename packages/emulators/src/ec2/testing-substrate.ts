import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { type AwsTarget, AwsTargetSchema, PlacementSchema } from '@murmur/api';
import { type CloudTimes, createAwsSubstrate } from '@murmur/server/testing-aws';
import { deriveGuestKeys } from '@murmur/server/testing-machines';

import { type Emulator, type EmulatorOptions, startEmulator } from './emulator.js';
import type { World } from './world.js';

/** The substrate under test. */
export type Substrate = Awaited<ReturnType<typeof createAwsSubstrate>>;
/** A site of it. */
export type Site = ReturnType<Substrate['siteOf']>;

/** What a machine is launched with. */
export type Spec = Parameters<Substrate['launch']>[0];
/** Names one create. */
export type Token = Parameters<Substrate['launch']>[1];

/** An emulator of one's own answers at once and limits nobody. */
const quickTimes: CloudTimes = {
  call: { firstMs: 5, longestMs: 100 },
  machine: { firstMs: 50, longestMs: 500 },
  image: { firstMs: 50, longestMs: 500 },
  room: { firstMs: 20, longestMs: 20 },
  bootMs: 180_000,
  unseenMs: 20_000,
};

/** How a substrate is opened otherwise. */
interface OpenChanges {
  /** Where something stands before the emulator. */
  readonly endpoint?: string;
  readonly operatorCredentials?: 'refused' | 'allowed';
  readonly times?: Partial<CloudTimes>;
}

/** A substrate on an emulator of its own. */
export interface EmulatedPlace extends AsyncDisposable {
  readonly emulator: Emulator;
  /** Another one over the same account, as a restarted server makes it. */
  open(changes?: OpenChanges): Promise<Substrate>;
  /** The site of a placement in the emulated account. */
  siteOf(changes?: Partial<Pick<AwsTarget, 'accountId' | 'assignPublicIp' | 'region' | 'roleArn' | 'subnetIds'>>, tenant?: string): Site;
  /** A small machine from the emulator's base image. */
  spec(changes?: Partial<Spec>): Spec;
  /** The first region. */
  world(): World;
}

/** Starts an emulator in a folder that goes with it. */
export async function emulatedPlace(options: Partial<EmulatorOptions> = {}): Promise<EmulatedPlace> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ec2-'));
  const emulator = await startEmulator({ listen: { host: '127.0.0.1', port: 0 }, dataDir: folder, ...options });
  const { account_id, access_key_id, endpoint, region, role_arn, secret_access_key, security_group_id, subnets } = emulator.description;
  const identity = { accessKeyId: access_key_id, secretAccessKey: secret_access_key };
  const naming = await createAwsSubstrate({});
  const keys = deriveGuestKeys(randomBytes(64));
  const place: EmulatedPlace = {
    emulator,
    open: ({ endpoint: other = endpoint, operatorCredentials = 'refused', times } = {}) =>
      createAwsSubstrate({ endpoint: other, identity, operatorCredentials }, { ...quickTimes, ...times }),
    siteOf(changes = {}, tenant = 'local/default') {
      const own = { accountId: account_id, region, roleArn: role_arn, subnetIds: [...subnets], securityGroupId: security_group_id };
      const value = create(AwsTargetSchema, { ...own, ...changes });
      return naming.siteOf(create(PlacementSchema, { name: 'aws', target: { case: 'aws', value } }), tenant);
    },
    spec: (changes = {}) => ({
      owner: { installation: 'emulated', tenant: 'local/default', runId: 'run' },
      base: { immutableId: emulator.description.image_id, architecture: 'AMD64' },
      site: place.siteOf(),
      attempt: 1,
      diskType: '',
      vcpus: 1,
      memoryMb: 128,
      machineType: '',
      diskSizeGb: 0,
      keys,
      lifetimeSeconds: 600,
      ...changes,
    }),
    world() {
      const found = emulator.worlds.get(region);
      if (found === undefined) throw new Error('the region is not there');
      return found;
    },
    async [Symbol.asyncDispose]() {
      await emulator[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return place;
}
