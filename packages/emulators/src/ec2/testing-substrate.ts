import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { type AwsTarget, AwsTargetSchema, PlacementSchema } from '@murmur/api';
import { type CloudTimes, createAwsSubstrate } from '@murmur/server/testing-aws';

import { type Emulator, type EmulatorOptions, startEmulator } from './emulator.js';
import type { World } from './world.js';

/** The substrate under test. */
export type Substrate = Awaited<ReturnType<typeof createAwsSubstrate>>;
/** A site of it. */
export type Site = ReturnType<Substrate['siteOf']>;

/** An emulator of one's own answers at once and limits nobody. */
const quickTimes: CloudTimes = {
  call: { firstMs: 5, longestMs: 100 },
  machine: { firstMs: 50, longestMs: 500 },
  image: { firstMs: 50, longestMs: 500 },
  room: { firstMs: 20, longestMs: 20 },
  bootMs: 180_000,
  unseenMs: 20_000,
};

/** A substrate on an emulator of its own. */
export interface EmulatedPlace extends AsyncDisposable {
  readonly emulator: Emulator;
  /** Another one over the same account, as a restarted server makes it; at another address, where something stands before it. */
  open(changes?: { readonly endpoint?: string; readonly times?: Partial<CloudTimes> }): Promise<Substrate>;
  /** The site of a placement in the emulated account. */
  siteOf(changes?: Partial<Pick<AwsTarget, 'accountId' | 'assignPublicIp' | 'region' | 'roleArn' | 'subnetIds'>>, tenant?: string): Site;
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
  return {
    emulator,
    open: (changes = {}) => createAwsSubstrate({ endpoint: changes.endpoint ?? endpoint, identity }, { ...quickTimes, ...changes.times }),
    siteOf(changes = {}, tenant = 'local/default') {
      const own = { accountId: account_id, region, roleArn: role_arn, subnetIds: [...subnets], securityGroupId: security_group_id };
      const value = create(AwsTargetSchema, { ...own, ...changes });
      return naming.siteOf(create(PlacementSchema, { name: 'aws', target: { case: 'aws', value } }), tenant);
    },
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
}
