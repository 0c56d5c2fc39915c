import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { AwsTargetSchema, PlacementSchema } from '@murmur/api';
import { describe } from 'vitest';
import { createAwsSubstrate, describeSubstrate, keepWire } from '@murmur/server/testing-aws';

import { startEmulator } from './emulator.js';

/** Slow: boots a machine for nearly every test. `MURMUR_FULL=sweep` runs it. */
describe.runIf(process.env['MURMUR_FULL'] === 'sweep')('on the emulator', () => {
  describeSubstrate('AWS', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'ec2-'));
    const emulator = await startEmulator({ listen: { host: '127.0.0.1', port: 0 }, dataDir: folder });
    const { account_id, access_key_id, endpoint, image_id, region, role_arn, secret_access_key, security_group_id, subnets } =
      emulator.description;
    const operatorCredentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key };
    const reopen = () => createAwsSubstrate({ endpoint, operatorCredentials });
    const substrate = await reopen();
    const siteIn = (of: string, subnetIds: readonly string[]) => {
      const target = create(AwsTargetSchema, {
        accountId: account_id,
        region: of,
        roleArn: role_arn,
        subnetIds: [...subnetIds],
        securityGroupId: security_group_id,
      });
      return substrate.siteOf(create(PlacementSchema, { name: 'aws', target: { case: 'aws', value: target } }), 'local/default');
    };
    const world = () => {
      const found = emulator.worlds.get(region);
      if (found === undefined) throw new Error('the region is not there');
      return found;
    };
    return {
      substrate,
      reopen,
      installation: 'conformance',
      base: { immutableId: image_id, architecture: 'AMD64' as const },
      site: siteIn(region, subnets),
      otherSite: siteIn('us-west-2', []),
      wire: keepWire([]),
      left() {
        const { images, instances, snapshots, volumes } = world();
        const here = [...instances.values()].filter(({ state }) => state !== 'terminated');
        const things = [...here, ...images.values(), ...snapshots.values(), ...volumes.values()];
        return Promise.resolve(things.filter(({ tags }) => tags.has('murmur')).map(({ id }) => id));
      },
      revealed({ handle }) {
        const found = world().instances.get(String(handle['instanceId'] as string));
        return Promise.resolve(Buffer.concat([found?.userData ?? Buffer.from(''), Buffer.from(JSON.stringify([...(found?.tags ?? [])]))]));
      },
      async kill({ handle }) {
        const machine = world().instances.get(String(handle['instanceId'] as string))?.machine;
        machine?.kill();
        await machine?.ended;
      },
      async damage({ reference }, how) {
        const image = world().images.get(String(reference['ami'] as string));
        if (image === undefined) throw new Error('there is no such image');
        if (how === 'hidden') world().snapshots.delete(image.snapshotId);
        else world().images.delete(image.id);
        await Promise.resolve();
      },
      async close() {
        await substrate.close?.();
        await emulator[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
      },
    };
  });
});
