import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startEmulator, type Emulator } from '../emulator.js';

const run = promisify(execFile);

/** Starts a python for each of a dozen calls. `MURMUR_FULL=sweep` runs it. */
describe.runIf(process.env['MURMUR_FULL'] === 'sweep')('the AWS CLI, as Debian has it', () => {
  let folder: string;
  let emulator: Emulator;
  const aws = async (...args: readonly string[]) => {
    const { access_key_id, endpoint, region, secret_access_key } = emulator.description;
    const keys = { AWS_ACCESS_KEY_ID: access_key_id, AWS_SECRET_ACCESS_KEY: secret_access_key, AWS_DEFAULT_REGION: region };
    const env = { PATH: '/usr/bin:/bin', HOME: folder, ...keys };
    return (await run('/usr/bin/aws', ['--endpoint-url', endpoint, '--output', 'text', ...args], { env })).stdout.trim();
  };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'ec2-'));
    emulator = await startEmulator({ listen: { host: '127.0.0.1', port: 0 }, dataDir: folder });
  });
  afterAll(async () => {
    await emulator[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('assumes the role with its external id only', async () => {
    const { account_id, role_arn } = emulator.description;
    const assume = (id: string) => ['sts', 'assume-role', '--role-arn', role_arn, '--role-session-name', 'cli', '--external-id', id];
    expect(await aws(...assume('local/default'), '--query', 'AssumedRoleUser.Arn')).toBe(
      `arn:aws:sts::${account_id}:assumed-role/murmur-bake/cli`,
    );
    await expect(aws(...assume('github_app/other'))).rejects.toThrow('(AccessDenied)');
  }, 300_000);

  test('bakes an image over SSH that boots with what was baked', async () => {
    const { image_id, ssh_user, subnets } = emulator.description;
    const key = path.join(folder, 'key');
    const material = await aws('ec2', 'create-key-pair', '--key-name', 'cli', '--key-type', 'ed25519', '--query', 'KeyMaterial');
    await writeFile(key, `${material}\n`, { mode: 0o600 });
    const launch = async (image: string) => {
      const options = ['--image-id', image, '--instance-type', 't3.micro', '--key-name', 'cli', '--subnet-id', subnets[0] ?? ''];
      const id = await aws('ec2', 'run-instances', ...options, '--query', 'Instances[0].InstanceId');
      await aws('ec2', 'wait', 'instance-running', '--instance-ids', id);
      return {
        id,
        address: await aws('ec2', 'describe-instances', '--instance-ids', id, '--query', 'Reservations[0].Instances[0].PublicIpAddress'),
      };
    };
    const enter = async (address: string, command: string) => {
      const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'ConnectTimeout=20', 'BatchMode=yes'];
      const login = ['-i', key, ...options.flatMap((one) => ['-o', one]), `${ssh_user}@${address}`, command];
      let said = '';
      await expect
        .poll(
          async () =>
            run('ssh', login).then(
              ({ stdout }) => (said = stdout) !== undefined,
              () => false,
            ),
          { timeout: 300_000 },
        )
        .toBe(true);
      return said.trim();
    };
    const source = await launch(image_id);
    await enter(source.address, 'echo baked >/opt/marker && sync');
    await aws('ec2', 'stop-instances', '--instance-ids', source.id);
    await aws('ec2', 'wait', 'instance-stopped', '--instance-ids', source.id);
    const image = await aws('ec2', 'create-image', '--instance-id', source.id, '--name', 'made by the CLI', '--no-reboot');
    await aws('ec2', 'wait', 'image-available', '--image-ids', image);
    await aws('ec2', 'terminate-instances', '--instance-ids', source.id);
    const copy = await launch(image);
    expect(await enter(copy.address, 'cat /opt/marker')).toBe('baked');
    await aws('ec2', 'terminate-instances', '--instance-ids', copy.id);
    expect(
      await aws('ec2', 'describe-images', '--owners', 'self', '--filters', 'Name=name,Values=made*', '--query', 'Images[].ImageId'),
    ).toBe(image);
    await expect(aws('ec2', 'describe-images', '--image-ids', 'ami-00000000')).rejects.toThrow('(InvalidAMIID.NotFound)');
  }, 900_000);
});
