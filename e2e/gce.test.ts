import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { logOf, runEnded } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { startGceEmulator, type GceEmulator } from './harness/emulator.js';
import { startServer, type TestServer } from './harness/server.js';

const secret = 'sk-7f3a9c2e5b8d1046-of-the-bake';
const long = 900_000;
const place = ['prod', 'us-central1'] as const;

/** Slow: boots two machines. `MURMUR_FULL=sweep` runs it. */
describe.runIf(process.env['MURMUR_FULL'] === 'sweep')('a bake on the emulated GCE', () => {
  let emulator: GceEmulator;
  let server: TestServer;
  let image = '';

  beforeAll(async () => {
    emulator = await startGceEmulator();
    const { endpoint, network, project, wif_provider_resource_name, wif_service_account, zones } = emulator.project;
    const addresses = { endpoint, sts_endpoint: endpoint, iam_credentials_endpoint: endpoint };
    server = await startServer({ configuration: JSON.stringify({ substrates: { qemu: { enabled: false }, gce: addresses } }) });
    // As the guide uploads them; the server says who it is.
    const said = async (document: string) => (await fetch(`${server.url}/.well-known/${document}`)).text();
    const { issuer } = JSON.parse(await said('openid-configuration')) as { issuer: string };
    const oidc = { issuerUri: issuer, jwksJson: await said('jwks.json') };
    await emulator.ask('PATCH', `/v1/${wif_provider_resource_name}?updateMask=oidc`, { oidc });

    const set = (kind: string, document: Record<string, unknown> & { name: string }) =>
      murmurOk(server, ['set', kind, document.name], { stdin: JSON.stringify(document) });
    const gcp = { project, zones, subnet: network, wif_provider_resource_name, wif_service_account };
    await set('placement', { name: 'us-central1', substrate: 'SUBSTRATE_GCP', gcp });
    await set('environment', { name: 'prod', substrate: 'GCP', machine_type_ref: 'n2-standard-2', disk_type_ref: 'pd-balanced' });
    const tool = 'printf "#!/bin/sh\\necho shouted \\$1\\n" >/bin/shout\nchmod 755 /bin/shout';
    const script = `#!/bin/sh\nset -eu\n${tool}\necho "with $TOKEN as $(id -u)"\n`;
    const recipe = { base_image_gce_ref: 'murmur-gce-base', provisioning_timeout: '10m', secret_allowlist: ['TOKEN'] };
    await set('recipe', { name: 'python-toolchain', ...recipe, provisioning_script: script });
  }, long);
  afterAll(async () => {
    await server.remove();
    await emulator.remove();
  });

  const below = (path: string) => emulator.ask('GET', `/compute/v1/projects/${emulator.project.project}/${path}`);

  it(
    'completes at the first attempt in the zone that has room, as whoever the server says it is',
    async () => {
      // The project switches keys in metadata off, and the machine switches them on.
      const settings = { fullZones: ['us-central1-a'], projectMetadata: { 'enable-oslogin': 'TRUE' } };
      await emulator.ask('PUT', '/_emulator/settings', settings);
      const waited = await murmur(server, ['bake', '--wait', '-e', `TOKEN=${secret}`, 'python-toolchain', ...place]);
      const run = await runEnded(server, 'python-toolchain');
      expect(run, `${waited.stderr}\n${await logOf(server, run.run_id)}`).toMatchObject({ phase: 'completed', attempt: 1 });
      expect(await logOf(server, run.run_id)).toContain('with [redacted] as 0');
      image = run.image_name;
    },
    long,
  );

  it(
    'leaves one kept image and nothing else, named by its self link',
    async () => {
      const { items } = (await below('global/images')) as { items: { name: string; status: string; labels: object }[] };
      expect(items).toEqual([
        expect.objectContaining({ status: 'READY', labels: expect.objectContaining({ 'murmur-kept': 'true' }) as unknown }),
      ]);
      const stored = JSON.parse(await murmurOk(server, ['get', 'image', image, '-o', 'json'])) as { gce: { self_link: string } };
      expect(stored.gce.self_link).toBe(`projects/${emulator.project.project}/global/images/${items[0]?.name}`);
      expect(items[0]?.name).toMatch(/^murmur-provision-[0-9a-f]{16}$/);
      const left = JSON.stringify([await below('aggregated/instances'), await below('aggregated/disks')]);
      expect(left).not.toContain('murmur-token');
      expect((await murmur(server, ['bake', '-e', `TOKEN=${secret}`, 'python-toolchain', ...place])).stdout).toContain('already cached');
    },
    long,
  );

  it(
    'boots in a fresh machine that holds the tool',
    async () => {
      expect(await murmurOk(server, ['try', image, ...place, '--', 'sh', '-c', 'shout hello'])).toContain('shouted hello');
    },
    long,
  );

  it(
    'writes its secret into no request, log or disk',
    async () => {
      const requests = await (await fetch(`${emulator.project.endpoint}/_emulator/requests`)).text();
      expect(requests).toContain('ssh-keys');
      expect(requests).not.toContain(secret);
      expect(await server.log()).not.toContain(secret);
      const images = join(emulator.dataDir, 'images');
      const disks = (await readdir(images)).map((file) => join(images, file));
      expect(disks).toHaveLength(2);
      for (const disk of disks) {
        const search = 'qemu-img convert -O raw "$1" "$1.raw" && grep -aqF "$2" "$1.raw"; found=$?; rm -f "$1.raw"; echo $found';
        const { stdout } = await promisify(execFile)('sh', ['-c', search, 'sh', disk, secret]);
        expect(stdout.trim(), disk).toBe('1');
      }
    },
    long,
  );
});
