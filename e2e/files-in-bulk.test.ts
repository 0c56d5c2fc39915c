import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { murmur, murmurOk } from './harness/cli.js';
import { refusal } from './harness/refusals.js';
import { startServer, type TestServer } from './harness/server.js';

const access = `kind: tenant-binding
name: team-bakes
role_ref: baker
groups: [builders]
name_pattern: team-*
---
kind: role
name: baker
permissions: [recipe.edit, 'image.*']
---
kind: group
name: builders
members: [ana@example.com]
---
kind: service-profile
name: ci
grants: [{group: builders}]
secret_refs: [NPM_TOKEN]
`;
const catalog = `kind: workspace
name: app
image_ref: debian
environment_ref: staging
placement: us-central1
repos: [{clone_url: https://github.com/acme/app.git, base_branch: main, conflict_resolution: REBASE}]
---
# What it starts from.
kind: recipe
name: tools
base_image_gce_ref: debian
provisioning_script: |
  #!/bin/bash
  echo "---"
  apt-get install -y jq
provisioning_timeout: 10m
secret_allowlist: [NPM_TOKEN]
---
kind: image
name: debian
architecture: AMD64
gce: {self_link: projects/acme/global/images/debian-12}
---
kind: environment
name: staging
substrate: GCP
machine_type_ref: n2-standard-8
disk_type_ref: pd-ssd
---
kind: placement
name: us-central1
substrate: GCP
target: {gcp: {project: acme-agents, zones: [us-central1-a], subnet: agents, wif_provider_resource_name: projects/1/locations/global/workloadIdentityPools/m/providers/m, wif_service_account: m@acme-agents.iam.gserviceaccount.com}}
`;
const secret = '{"kind": "secret", "name": "NPM_TOKEN", "plaintextValue": "hunter2hunter2"}';

describe('resources in files', () => {
  let server: TestServer;
  let fresh: TestServer;
  let folder = '';
  const read = (args: string[], stdin = '') => murmurOk(server, args, { stdin });
  const lines = (text: string) => text.trimEnd().split('\n');

  beforeAll(async () => {
    [server, fresh] = await Promise.all([startServer(), startServer()]);
    folder = join(server.dataDir, 'catalog');
    await mkdir(join(folder, 'access'), { recursive: true });
    await writeFile(join(folder, 'catalog.yaml'), catalog);
    await writeFile(join(folder, 'access', 'access.yml'), access);
    await writeFile(join(folder, 'secret.json'), secret);
  });
  afterAll(() => Promise.all([server.remove(), fresh.remove()]));

  it('are all checked before one is written', async () => {
    const dryRun = await murmurOk(server, ['apply', '--dry-run', '-R', '-f', folder]);
    expect(lines(dryRun)).toHaveLength(10);
    for (const line of lines(dryRun)) expect(line).toMatch(/^[a-z-]+ "\S+" created \(dry run\)$/);
    expect(await read(['export'])).toBe('');
    await writeFile(join(folder, 'wrong.yaml'), 'kind: recipe\nname: x\n---\nkind: image\nname: y\nname: y\n');
    const { code, faults } = await refusal(server, ['apply', '-f', folder]);
    expect(code).toBe(1);
    const origin = join(folder, 'wrong.yaml');
    expect(faults).toEqual([
      `INVALID_ARGUMENT: ${origin}:1: at least one of base_image_aws_ref or base_image_gce_ref is required`,
      `INVALID_ARGUMENT: ${origin}:1: provisioning_script is required`,
      `INVALID_ARGUMENT: ${origin}:1: provisioning_timeout is required`,
      `INVALID_ARGUMENT: ${origin}:3: line 6, column 1: duplicate key "name"`,
    ]);
    expect(await read(['export'])).toBe('');
    await writeFile(join(folder, 'wrong.yaml'), '# put right\n');
  });

  it('are applied in the order they need, and again without effect', async () => {
    const first = await murmur(server, ['apply', '-R', '-f', folder]);
    expect(first.stderr).toBe(
      `${join(folder, 'secret.json')} holds the value of a secret in clear; \`murmur secret set\` keeps it out of files\n`,
    );
    expect(lines(first.stdout)).toHaveLength(10);
    const second = lines(await read(['apply', '-R', '-f', folder]));
    for (const line of second) expect(line).toMatch(/ unchanged$/);
  });

  it.each(['yaml', 'json'])('are exported as %s that apply takes back unchanged', async (format) => {
    const exported = await murmur(server, ['export', '-o', format]);
    expect(exported.stderr).toContain('# left out: 1 secret (NPM_TOKEN)');
    expect(exported.stdout).not.toContain('hunter2');
    const again = lines(await read(['apply', '-f', '-'], exported.stdout));
    expect(again).toHaveLength(9);
    for (const line of again) expect(line).toMatch(/ unchanged$/);
    const secrets = await read(['export', 'secret', '-o', format]);
    expect(lines(await read(['apply', '-f', '-'], secrets))).toEqual(['secret "NPM_TOKEN" unchanged']);
  });

  it('are the same where nothing was before, once the secrets are there', async () => {
    const stdin = await read(['export']);
    const missing = await refusal(fresh, ['apply', '-f', '-'], { stdin });
    expect(missing.faults).toEqual([expect.stringMatching(/service-profile.*|secret_refs\[0\] "NPM_TOKEN" does not exist/)]);
    await murmurOk(fresh, ['set', 'secret', 'NPM_TOKEN'], { stdin: 'name: NPM_TOKEN\nplaintext_value: other-value\n' });
    const created = lines(await murmurOk(fresh, ['apply', '-f', '-'], { stdin }));
    for (const line of created) expect(line).toMatch(/ created$/);
    expect(await murmurOk(fresh, ['export'])).toBe(stdin);
  });

  it('can be compared, and brought back', async () => {
    await read(['patch', 'recipe', 'tools', '--set', 'provisioning_timeout=20m', '--if-generation', '1']);
    const { faults, hints } = await refusal(server, ['patch', 'recipe', 'tools', '--set', 'description=x', '--if-generation', '1']);
    expect(faults).toEqual(['ABORTED: recipe "tools" is at generation 2, not 1']);
    expect(hints.join('\n')).toContain('murmur get recipe tools -o yaml');
    expect(await read(['diff', 'recipe', 'tools'])).toMatch(
      /^--- recipe\/tools\tgeneration 1, .*\n\+\+\+ recipe\/tools\tgeneration 2, .*\n@@ .* @@\n(?: .*\n)*-provisioning_timeout: 10m\n\+provisioning_timeout: 20m\n/,
    );
    expect((await murmur(server, ['diff', '--exit-code', 'recipe', 'tools'])).code).toBe(1);
    await read(['set', 'recipe', 'tools'], await read(['get', 'recipe', 'tools', '--generation', '1']));
    expect(await read(['diff', 'recipe', 'tools', '1', '3'])).toBe('');
    await read(['rm', 'recipe', 'tools', '--if-generation', '3']);
    expect(await read(['diff', 'recipe', 'tools'])).toContain('+++ recipe/tools\tgeneration 4, deleted by');
    await read(['set', 'recipe', 'tools', '--if-generation', '0'], await read(['get', 'recipe', 'tools', '--generation', '3']));
    expect(lines(await read(['history', 'recipe', 'tools']))).toHaveLength(6);
    expect((await murmur(server, ['set', 'recipe', 'tools', '--if-generation', '-1'])).code).toBe(2);
  });

  it('show what applying them would change, and what only the server has', async () => {
    const paths = ['-R', '-f', folder];
    await read(['apply', ...paths]);
    await read(['set', 'group', 'others'], 'name: others\nmembers: [ben@example.com]\n');
    await read(['patch', 'recipe', 'tools', '--set', 'description=by hand']);
    const { code, stdout } = await murmur(server, ['diff', '--exit-code', ...paths]);
    expect(stdout).toMatch(
      /^--- recipe\/tools\ton the server\n\+\+\+ recipe\/tools\tin the files\n@@ .* @@\n(?: .*\n)*-description: by hand\n/,
    );
    expect(stdout.endsWith('\nOnly on the server: group/others\n')).toBe(true);
    expect(code).toBe(1);
    await read(['apply', ...paths]);
    await read(['rm', 'group/others']);
    // Told which value is the stored one, anybody who may edit the secret could try as many as they like.
    expect(await read(['diff', '-f', join(folder, 'catalog.yaml')])).toBe('');
  });

  it('are edited in an editor, and what is refused is not lost', async () => {
    const edited = await murmur(server, ['edit', 'recipe', 'tools'], { env: { EDITOR: 'sed -i s/10m/15m/' } });
    expect(edited).toEqual({ code: 0, stdout: 'Set recipe "tools"\n', stderr: '' });
    expect((await murmur(server, ['edit', 'recipe', 'tools'], { env: { EDITOR: 'true' } })).stderr).toBe('Nothing changed\n');
    const stale = await murmur(server, ['edit', 'recipe', 'tools'], { env: { EDITOR: 'sed -i s/^generation:.*/generation:\\ 1/' } });
    const [, file = ''] = /^Your version is in (\S+);/.exec(stale.stderr) ?? [];
    expect([stale.code, stale.stderr]).toEqual([1, expect.stringContaining('murmur: ABORTED: recipe "tools" is at generation ')]);
    expect(await readFile(file, 'utf8')).toContain('generation: 1\n');
    await rm(dirname(file), { recursive: true });
    expect((await murmur(server, ['edit', 'recipe', 'tools'], { env: { EDITOR: 'false' } })).stderr).toContain('the editor "false" failed');
  });

  it('say what is to be deleted, those that refer to others first', async () => {
    await read(['rm', '-R', '-f', folder]);
    expect(await read(['export'])).toBe('');
  });
});

describe('input that is no document', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.remove());

  const bomb = `a: &a [${'x,'.repeat(20)}]\nb: &b [${'*a,'.repeat(20)}]\nc: [${'*b,'.repeat(20)}]\n`;
  const cases: [string, string, string][] = [
    ['nothing', '', 'the document is empty'],
    ['a list', '- a\n', 'the document must be a mapping'],
    ['two documents', 'name: a\n---\nname: b\n', 'line 2, column 1: a second document starts here'],
    ['a key twice', 'name: a\r\nname: b\r\n', 'line 2, column 1: duplicate key "name"'],
    ['a NUL', 'name: a\0b\n', 'the document contains a NUL byte'],
    ['aliases that explode', bomb, 'the document uses too many aliases'],
    ['deep nesting', `a: ${'['.repeat(50_000)}`, 'the document is nested too deeply'],
    ['10 MiB', `a: ${'x'.repeat(10 * 1024 * 1024)}\n`, 'the document exceeds the 2 MiB limit'],
    ['too many fields', 'a: 1\n'.repeat(300_000), 'the document has too many fields'],
    ['no YAML', 'name: "a\n', 'line 2, column 1: missing closing "quote'],
  ];

  it.each(cases)('%s is refused on standard input and by the API, and the server goes on', async (_, document, message) => {
    const { code, faults } = await refusal(server, ['set', 'image', 'a'], { stdin: document });
    expect([code, faults]).toEqual([1, [`INVALID_ARGUMENT: ${message}`]]);
    for (const [method, body] of [
      ['SetResource', { kind: 'image', name: 'a', document }],
      ['ApplyResources', { documents: [{ text: document, origin: 'here' }] }],
    ] as const) {
      const answer = await call(server, method, JSON.stringify(body));
      expect(answer).toMatchObject({ code: 'invalid_argument', message: method === 'SetResource' ? message : `here: ${message}` });
    }
    expect(await murmurOk(server, ['get', 'image', 'murmur-gce-base'])).toContain('name: murmur-gce-base');
  });

  it('bytes that are no text are refused too', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"kind": "image", "name": "a", "document": "'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]);
    const answer = await call(server, 'SetResource', bytes);
    expect(answer).toMatchObject({ code: 'invalid_argument', message: 'The encoded data was not valid for encoding utf-8' });
  });
});

async function call(server: TestServer, method: string, body: string | Buffer): Promise<unknown> {
  const response = await fetch(`${server.url}/murmur.api.v1.MurmurService/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${server.apiKey}` },
    body,
  });
  return response.json();
}
