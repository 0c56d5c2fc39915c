import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { logOf, runEnded } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { startEc2Emulator, type Ec2Emulator } from './harness/emulator.js';
import { startServer, type TestServer } from './harness/server.js';

const secret = 'sk-7f3a9c2e5b8d1046-of-the-bake';
/** Boots of a full Debian take minutes on a loaded machine without hardware acceleration. */
const long = 2_400_000;

const guests = [
  { name: 'tiny', args: [], tool: 'printf "#!/bin/sh\\necho shouted \\$1\\n" >/bin/shout' },
  {
    name: 'Debian with cloud-init',
    args: ['--debian'],
    tool: 'apt-get update -q && apt-get install -y -q --no-install-recommends figlet && printf "#!/bin/sh\\necho shouted \\$1; figlet \\$1\\n" >/bin/shout',
  },
] as const;

describe.runIf(process.env['MURMUR_FULL'] === 'sweep').each(guests)('a bake on the emulated AWS of a $name', ({ args, name, tool }) => {
  const ends: (() => Promise<void>)[] = [];
  let emulator: Ec2Emulator;
  let server: TestServer;
  let image = '';

  beforeAll(async () => {
    emulator = await startEc2Emulator(...args);
    ends.push(() => emulator.remove());
    const { access_key_id, account_id, endpoint, image_id, region, role_arn, secret_access_key, security_group_id, subnets } =
      emulator.account;
    server = await startServer({
      configuration: JSON.stringify({
        substrates: { aws: { endpoint } },
        base_images: { aws: { ami_ids: { [region]: image_id } } },
      }),
      environment: { AWS_ACCESS_KEY_ID: access_key_id, AWS_SECRET_ACCESS_KEY: secret_access_key },
    });
    ends.push(() => server.remove());
    const set = (kind: string, document: { name: string }) =>
      murmurOk(server, ['set', kind, document.name], { stdin: JSON.stringify(document) });
    const target = { account_id, region, role_arn, security_group_id, subnet_ids: subnets };
    await set('placement', { name: 'us-east-1', substrate: 'SUBSTRATE_AWS', aws: target } as { name: string });
    const shape = { substrate: 'SUBSTRATE_AWS', machine_type_ref: 't3-medium', disk_type_ref: 'gp3' };
    await set('environment', { name: 'prod', ...shape } as { name: string });
    const script = `#!/bin/sh\nset -eu\n${tool}\nchmod 755 /bin/shout\necho "with $TOKEN"\n`;
    const recipe = { base_image_aws_ref: 'murmur-aws-base', provisioning_timeout: '30m', secret_allowlist: ['TOKEN'] };
    await set('recipe', { name: 'go-service', ...recipe, provisioning_script: script } as { name: string });
  }, long);
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  it(
    'completes at the first attempt and registers the AMI of its region',
    async () => {
      const began = Date.now();
      const waited = await murmur(server, ['bake', '--wait', '-e', `TOKEN=${secret}`, 'go-service', 'prod', 'us-east-1']);
      const run = await runEnded(server, 'go-service');
      expect(run, `${waited.stderr}\n${await logOf(server, run.run_id)}`).toMatchObject({ phase: 'completed', attempt: 1 });
      image = run.image_name;
      process.stdout.write(`bake on AWS of a ${name}: ${Math.round((Date.now() - began) / 1000)} s\n`);
    },
    long,
  );

  it(
    'leaves what the AWS CLI, as Debian has it, lists as one kept image, its snapshot and nothing else',
    async () => {
      const list = async (what: string, field: string, ...more: string[]) =>
        ((await emulator.aws(what, '--filters', 'Name=tag:murmur,Values=true', ...more)) as Record<string, unknown[]>)[field] ?? [];
      const alive = ['pending', 'running', 'stopping', 'stopped', 'shutting-down'].join(',');
      const { Reservations } = (await emulator.aws('describe-instances', '--filters', `Name=instance-state-name,Values=${alive}`)) as {
        Reservations: unknown[];
      };
      expect(Reservations).toEqual([]);
      expect(await list('describe-volumes', 'Volumes')).toEqual([]);
      expect(await list('describe-network-interfaces', 'NetworkInterfaces')).toEqual([]);
      const kept = expect.arrayContaining([{ Key: 'murmur-kept', Value: 'true' }]) as unknown;
      const images = (await list('describe-images', 'Images', '--owners', 'self')) as { ImageId: string }[];
      expect(images).toEqual([expect.objectContaining({ State: 'available', Tags: kept })]);
      const stored = JSON.parse(await murmurOk(server, ['get', 'image', image, '-o', 'json'])) as { aws: { ami_ids: object } };
      expect(stored.aws.ami_ids).toEqual({ 'us-east-1': images[0]?.ImageId });
      expect(await list('describe-snapshots', 'Snapshots', '--owner-ids', 'self')).toEqual([
        expect.objectContaining({ State: 'completed', Tags: kept }),
      ]);
    },
    long,
  );

  it(
    'boots in a fresh machine that holds the tool',
    async () => {
      const said = await murmurOk(server, ['try', image, 'prod', 'us-east-1', '--', 'sh', '-c', 'shout hello']);
      expect(said).toContain('shouted hello');
    },
    long,
  );

  it(
    'writes its secret into no request, tag, user-data, log or disk',
    async () => {
      const run = await runEnded(server, 'go-service');
      expect(await logOf(server, run.run_id)).toContain('with [redacted]');
      const calls = await (await fetch(`${emulator.account.endpoint}/_emulator/requests`)).text();
      // User-data is base64 in a request.
      const userData = [...calls.matchAll(/"UserData":"([^"]*)"/g)].map(([, text = '']) => Buffer.from(text, 'base64').toString());
      expect(userData.length).toBeGreaterThan(1);
      expect([calls, ...userData].filter((text) => text.includes(secret))).toEqual([]);
      expect(await server.log()).not.toContain(secret);
      // As raw disks: a compressed cluster of a copy would hide it.
      const disks = (await readdir(join(emulator.dataDir, 'snapshots'))).map((file) => join(emulator.dataDir, 'snapshots', file));
      expect(disks).toHaveLength(2);
      for (const disk of disks) {
        const search = 'qemu-img convert -O raw "$1" "$1.raw" && grep -aqF "$2" "$1.raw"; found=$?; rm -f "$1.raw"; echo $found';
        const { stdout } = await promisify(execFile)('sh', ['-c', search, 'sh', disk, secret]);
        expect(stdout.trim(), disk).toBe('1');
      }
      expect(await readFile(join(emulator.dataDir, 'emulator.json'), 'utf8')).not.toContain(secret);
    },
    long,
  );
});
