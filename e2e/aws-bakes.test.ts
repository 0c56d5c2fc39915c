import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Emulator, startEmulator } from '../packages/emulators/src/ec2/emulator.js';
import { runOnHost } from '../packages/server/src/substrates/host-command.js';
import { logOf, runEnded, runWhen } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { startServer, type TestServer } from './harness/server.js';
import { spelledIn, spellingsOf } from './harness/spellings.js';
import { eventually } from './harness/wait.js';

const token = 'tok/3n+of=the aws&e2e?Zq9~';
const minuteMs = 60_000;
/** AWS lets a session live for no less. */
const sessionSeconds = 900;

/** Slow: starts a server, an emulator and two machines. `MURMUR_FULL=sweep` runs it. */
describe.runIf(process.env['MURMUR_FULL'] === 'sweep')(
  'a bake on AWS, through the server and the command line',
  { timeout: 600_000 },
  () => {
    let folder: string;
    let emulator: Emulator;
    let server: TestServer;
    let image: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'murmur-aws-'));
      emulator = await startEmulator({ listen: { host: '127.0.0.1', port: 0 }, dataDir: folder });
      const { access_key_id, account_id, endpoint, image_id, region, role_arn, secret_access_key, security_group_id, subnets } =
        emulator.description;
      const substrates = { qemu: { enabled: false }, docker: { enabled: false }, aws: { endpoint } };
      const environment = { AWS_ACCESS_KEY_ID: access_key_id, AWS_SECRET_ACCESS_KEY: secret_access_key };
      server = await startServer({ configuration: JSON.stringify({ substrates }), environment });
      const set = (kind: string, document: { readonly name: string }) =>
        murmurOk(server, ['set', kind, document.name], { stdin: JSON.stringify(document) });
      const aws = { account_id, role_arn, subnet_ids: subnets, security_group_id };
      await set('placement', { name: 'east', substrate: 'SUBSTRATE_AWS', aws: { ...aws, region } } as { name: string });
      await set('placement', { name: 'west', substrate: 'SUBSTRATE_AWS', aws: { ...aws, region: 'us-west-2' } } as { name: string });
      const shape = { substrate: 'SUBSTRATE_AWS', machine_type_ref: 't3-medium', disk_type_ref: 'gp3' };
      await set('environment', { name: 'small', ...shape } as { name: string });
      const source = { architecture: 'ARCHITECTURE_AMD64', aws: { ami_ids: { [region]: image_id } } };
      await set('image', { name: 'tiny', ...source } as { name: string });
      const script = '#!/bin/sh\n[ -n "$TOKEN" ] && echo saw it && echo kept >/marker\n';
      const recipe = { base_image_aws_ref: 'tiny', provisioning_script: script, provisioning_timeout: '10m' };
      await set('recipe', { name: 'tool', ...recipe } as { name: string });
    }, 300_000);
    afterAll(async () => {
      await server.remove();
      await emulator[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    const seen = (name: string) => emulator.seen.filter(({ action, outcome }) => action === name && outcome === 'ok');
    const world = () => {
      const found = emulator.worlds.get(emulator.description.region);
      if (found === undefined) throw new Error('the region is not there');
      return found;
    };
    const ours = <T extends { readonly tags: ReadonlyMap<string, string> }>(things: Iterable<T>) =>
      [...things].filter(({ tags }) => tags.has('murmur'));
    const alive = () => ours(world().instances.values()).filter(({ state }) => state !== 'terminated');

    it('has all that it needs, by "murmur placement check"', async () => {
      const checked = await murmur(server, ['placement', 'check', 'east']);
      expect(checked.stdout).toMatch(/^image|role and account +OK/m);
      expect(checked.code, checked.stdout).toBe(0);
    });

    it('goes on through an image that takes 70 minutes, sessions of 15 minutes and a server that is killed, without a second bake', async () => {
      Object.assign(emulator.settings, { sessionSeconds, imagePendingMs: 70 * minuteMs });
      const started = await murmur(server, ['bake', '-e', 'TOKEN', 'tool', 'small', 'east'], { env: { TOKEN: token } });
      expect(started.code, started.stderr).toBe(0);
      await eventually('an image to be asked for', async () =>
        seen('CreateImage').length > 0
          ? true
          : runWhen(server, 'tool', 'going on', ({ phase }) => phase !== 'failed').then(() => undefined),
      );
      for (let minutes = 0; minutes < 70; minutes += 14) {
        if (minutes === 42) {
          await server.kill();
          await server.start();
        }
        const looks = seen('DescribeImages').length;
        await eventually('the image to be looked at', () => Promise.resolve(seen('DescribeImages').length > looks ? true : undefined));
        emulator.clock.advance(14 * minuteMs);
      }
      const run = await runEnded(server, 'tool');
      expect(run).toMatchObject({ phase: 'completed', attempt: 1 });
      image = run.image_name;
      expect([seen('RunInstances').length, seen('CreateImage').length]).toEqual([1, 1]);
      expect(emulator.seen.map(({ outcome }) => outcome)).toContain('RequestExpired');
      const [kept, ...others] = ours(world().images.values());
      expect([kept?.tags.get('murmur-run'), others]).toEqual([run.run_id, []]);
      await eventually('the image to be kept and the machine to be gone', () =>
        Promise.resolve(kept?.tags.get('murmur-kept') === 'true' && alive().length === 0 ? true : undefined),
      );
      expect(ours(world().snapshots.values()).map(({ id }) => id)).toEqual([kept?.snapshotId]);
      expect([ours(world().volumes.values()), ours(world().interfaces.values())]).toEqual([[], []]);
    });

    it('leaves no secret in a request, user-data, tag, log or disk', async () => {
      const spellings = spellingsOf([token]);
      const [run] = JSON.parse(await murmurOk(server, ['bakes', 'ls', '-o', 'json'])) as { run_id: string }[];
      const log = await logOf(server, run?.run_id ?? '');
      expect(log).toContain('saw it\n');
      const userData = [...world().instances.values()].map(({ userData: text }) => text.toString());
      expect(userData.join('')).toContain('#cloud-config');
      const said = JSON.stringify([emulator.seen.map(({ parameters }) => [...parameters]), userData, log, await server.log()]);
      expect(spelledIn(Buffer.from(said), spellings)).toEqual([]);
      const [snapshot] = ours(world().snapshots.values());
      const disk = join(folder, 'disk.raw');
      await runOnHost('qemu-img', ['convert', '-O', 'raw', snapshot?.file ?? '', disk]);
      const patterns = join(folder, 'patterns');
      const holds = async (words: readonly string[]) => {
        await runOnHost('sh', ['-c', 'printf "%s\\n" "$@" >"$0"', patterns, ...words]);
        return (await runOnHost('sh', ['-c', 'grep -a -c -F -f "$0" "$1" || true', patterns, disk])).trim();
      };
      expect(await holds(['kept'])).not.toBe('0');
      expect(await holds(spellings)).toBe('0');
    });

    it('can be tried, and not in a region where it has no AMI', async () => {
      Object.assign(emulator.settings, { imagePendingMs: 0 });
      const tried = await murmur(server, ['try', image, 'small', 'east', '--', 'cat', '/marker']);
      expect(tried, tried.stderr).toMatchObject({ code: 0, stdout: 'kept\n' });
      const elsewhere = await murmur(server, ['try', image, 'small', 'west', '--', 'true']);
      expect(elsewhere.stderr).toContain(`image "${image}" has no AMI in region us-west-2`);
      expect(elsewhere.code).toBe(1);
      await eventually('the machine to be gone', () => Promise.resolve(alive().length === 0 ? true : undefined));
    });

    it("is refused before anything is made where the role is another tenant's", async () => {
      const { role_arn } = emulator.description;
      const before = emulator.accounts.roles.get(role_arn);
      if (before === undefined) throw new Error('the role is not there');
      emulator.accounts.roles.set(role_arn, { ...before, externalIds: ['github_app/other'] });
      const made = seen('RunInstances').length;
      // A server that is just starting has no session yet.
      await server.stop();
      await server.start();
      const refused = await murmur(server, ['bake', '--force-new', '-e', 'TOKEN', 'tool', 'small', 'east'], { env: { TOKEN: token } });
      expect(refused.stderr).toContain('does not let the server in for tenant "local/default"');
      expect(refused.stderr).toContain('sts:ExternalId');
      expect([refused.code, seen('RunInstances').length]).toEqual([1, made]);
      emulator.accounts.roles.set(role_arn, before);
    });
  },
);
