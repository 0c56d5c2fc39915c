import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { debianDisk, debianUser } from '../../machines/debian.js';
import { startEmulator, type Emulator } from '../emulator.js';
import type { Instance } from '../world.js';

/** A Debian boots for minutes where the processor is translated. `MURMUR_FULL=sweep` runs it. */
describe.runIf(process.env['MURMUR_FULL'] === 'sweep')('Packer, as Debian has it', () => {
  let folder: string;
  let emulator: Emulator;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'ec2-'));
    const listen = { host: '127.0.0.1', port: 0 };
    emulator = await startEmulator({ listen, dataDir: folder, baseDisk: await debianDisk(), sshUser: debianUser });
  }, 1_200_000);
  afterAll(async () => {
    await emulator[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('bakes an image with amazon-ebs in a Debian whose cloud-init has its key, and leaves nothing but the image', async () => {
    const { access_key_id, endpoint, image_id, region, secret_access_key } = emulator.description;
    const template = {
      builders: [
        {
          type: 'amazon-ebs',
          access_key: access_key_id,
          secret_key: secret_access_key,
          custom_endpoint_ec2: endpoint,
          region,
          skip_region_validation: true,
          source_ami: image_id,
          instance_type: 't3.micro',
          ssh_username: debianUser,
          ssh_timeout: '30m',
          // The key is there once cloud-init has been, which may be long after the first answer.
          ssh_handshake_attempts: '500',
          ami_name: 'made by Packer',
          tags: { 'made-by': 'Packer' },
          snapshot_tags: { 'made-by': 'Packer' },
        },
      ],
      provisioners: [{ type: 'shell', inline: ['cloud-init query platform | sudo tee /opt/marker', 'sync'] }],
    };
    const file = path.join(folder, 'template.json');
    await writeFile(file, JSON.stringify(template));
    const env = { PATH: '/usr/bin:/bin', HOME: folder, CHECKPOINT_DISABLE: '1', PACKER_CACHE_DIR: path.join(folder, 'cache') };
    const built = await promisify(execFile)('/usr/bin/packer', ['build', '-color=false', file], { env, cwd: folder });
    const world = emulator.worlds.get(region);
    const made = [...(world?.images.values() ?? [])].find(({ name }) => name === 'made by Packer');
    expect(built.stdout).toContain(`${region}: ${made?.id}`);
    expect(built.stdout).toContain('amazon-ebs: ec2');
    expect(made).toMatchObject({ state: 'available' });
    expect([made?.tags.get('made-by'), world?.snapshots.get(made?.snapshotId ?? '')?.tags.get('made-by')]).toEqual(['Packer', 'Packer']);
    expect([...(world?.instances.values() ?? [])].map(({ state }: Instance) => state)).toEqual(['terminated']);
    // Its own group and key pair went with the machine; the default group stays.
    expect([world?.volumes.size, world?.keys.size, world?.groups.size]).toEqual([0, 0, 1]);
  }, 2_400_000);
});
