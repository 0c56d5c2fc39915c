import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { runCli } from '../run.js';
import { type CliResult, runForTest, type TestSurroundings, testSurroundings } from '../testing.js';
import { startIssuer, testClientId, type TestIssuer } from '@murmur/api/testing-issuer';
import { confirmInBrowser } from '../testing-browser.js';

/** Waits until an output has said something that matches; fails when the command has ended before. */
async function said(output: TestSurroundings['stdout'], pattern: RegExp, running: Promise<number>): Promise<string> {
  let ended: number | undefined;
  void running.then((code) => (ended = code));
  return vi.waitFor(
    () => {
      const match = pattern.exec(output.text());
      if (match?.[1] !== undefined) return match[1];
      if (ended !== undefined) return `ended with ${ended}`;
      throw new Error(`not said: ${output.text()}`);
    },
    { timeout: 60_000, interval: 20 },
  );
}

describe('a server that cannot start', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'murmur-cli-server-'));
    vi.stubEnv('MURMUR_LOG_LEVEL', 'silent');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  it.each([
    [['--listen', 'nonsense'], ['--listen "nonsense" is not HOST:PORT']],
    [['--database-url', 'mysql://db'], ['--database-url is not a PostgreSQL URL']],
    [['--config', '/nonexistent/server.yaml'], ['cannot read /nonexistent/server.yaml: no such file']],
  ])('for what %j says was used wrongly', async (flags, messages) => {
    const { code, stdout, stderr } = await runForTest(['server', '--data-dir', join(folder, 'data'), ...flags]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n').filter((line) => line.startsWith('murmur: '))).toEqual(
      messages.map((message) => `murmur: INVALID_ARGUMENT: ${message}`),
    );
  });

  it('names every fault of its configuration, and makes nothing', async () => {
    const file = join(folder, 'operator.yaml');
    await writeFile(file, 'oidc: [{issuer: nonsense, client_id: c, tenant: local/a}]\nlocal_tenants: [acme]\nextra: 1\n');
    expect(await runForTest(['server', '--data-dir', join(folder, 'data'), '--config', file])).toEqual({
      code: 2,
      stdout: '',
      stderr: [
        `murmur: INVALID_ARGUMENT: ${file}: unknown field "extra"`,
        `murmur: INVALID_ARGUMENT: ${file}: oidc[0].issuer: "nonsense" is not a URL`,
        `murmur: INVALID_ARGUMENT: ${file}: local_tenants[0]: "acme" is not a tenant such as github_app/acme`,
        'The guide "Running a server" lists what can be configured.\n',
      ].join('\n'),
    });
    expect(await readdir(folder)).toEqual(['operator.yaml']);
  });
});

describe('a server with an issuer', () => {
  let folder = '';
  let dataDir = '';
  let url = '';
  let issuer: TestIssuer;
  let surroundings: TestSurroundings;
  let running: Promise<number>;

  beforeAll(async () => {
    vi.stubEnv('MURMUR_LOG_LEVEL', 'silent');
    folder = await mkdtemp(join(tmpdir(), 'murmur-cli-server-'));
    dataDir = await mkdtemp(join(folder, 'data-'));
    issuer = await startIssuer({ claims: { murmur_tenant: 'github_app/acme' } });
    const configuration = {
      oidc: [{ issuer: issuer.url, client_id: testClientId, tenant_claim: 'murmur_tenant' }],
      base_images: { aws: { ami_ids: { 'us-east-1': 'ami-0abc123def456789a' } } },
    };
    await writeFile(join(dataDir, 'server.yaml'), JSON.stringify(configuration));
    surroundings = testSurroundings();
    running = runCli(['server', '--listen', '127.0.0.1:0', '--data-dir', dataDir], surroundings);
    url = await said(surroundings.stdout, /listening on (http:\S+)\n/, running);
  });
  afterAll(async () => {
    surroundings.interrupt();
    expect(await running).toBe(0);
    await expect(readFile(join(dataDir, 'admin.address'))).rejects.toThrow('ENOENT');
    await issuer.close();
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  /** Somebody with a home of their own, and perhaps a key. */
  const person = (name: string, key?: string) => {
    const env = { MURMUR_SERVER: url, XDG_CONFIG_HOME: join(folder, name), ...(key === undefined ? {} : { MURMUR_API_KEY: key }) };
    return {
      run: (args: readonly string[], stdin = ''): Promise<CliResult> => runForTest(args, { env, cwd: folder, stdin }),
      async logIn(): Promise<CliResult> {
        const terminal = testSurroundings({ env, cwd: folder });
        const loggingIn = runCli(['auth', 'login'], terminal);
        await confirmInBrowser(await said(terminal.stderr, /Open (http\S+)\n/, loggingIn), name);
        const code = await loggingIn;
        return { code, stdout: terminal.stdout.text(), stderr: terminal.stderr.text() };
      },
    };
  };

  it('is called with its admin key where it said that it answers', async () => {
    expect(await readFile(join(dataDir, 'admin.address'), 'utf8')).toBe(`${url}\n`);
    const home = join(folder, 'share');
    await mkdir(home);
    await symlink(dataDir, join(home, 'murmur'));
    const local = (address: string) =>
      runForTest(['whoami'], { env: { MURMUR_SERVER: address, XDG_DATA_HOME: home, XDG_CONFIG_HOME: folder }, cwd: folder });
    expect((await local(url)).stdout).toContain('admin');
    expect((await local(url.replace('127.0.0.1', 'localhost'))).stderr).toContain('UNAUTHENTICATED');
  });

  it('lets people in once their tenant exists, and lets them do what bindings say', async () => {
    const ana = person('ana');
    expect(await ana.run(['whoami'])).toMatchObject({ code: 1, stderr: expect.stringContaining('UNAUTHENTICATED') });
    // The tenant that the issuer names is not there yet.
    expect((await ana.logIn()).stderr).toContain('murmur: UNAUTHENTICATED: identity token is missing or expired\n');

    const operator = person('operator', (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim());
    const made = await operator.run(['tenant', 'create', 'github_app/acme', '--admin', 'root@example.com']);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^mur_\S+\n$/) });
    expect((await operator.run(['tenant', 'ls'])).stdout).toContain('github_app/acme');

    expect((await ana.logIn()).stdout).toContain(`Logged in to ${url} as ana of github_app/acme; `);
    const self: unknown = JSON.parse((await ana.run(['whoami', '-o', 'json'])).stdout);
    expect(self).toEqual({
      server: url,
      tenant: 'github_app/acme',
      subject: 'ana',
      credential: expect.stringMatching(/^the login in .*credentials\.json$/),
      issuer: issuer.url,
      expire_time: expect.any(String),
      operator: false,
    });

    const denied = await ana.run(['get', 'recipe']);
    expect(denied).toEqual({
      code: 1,
      stdout: '',
      stderr: 'murmur: PERMISSION_DENIED: missing permission recipe.list\nContact your tenant admin.\n',
    });
    expect((await ana.run(['check-permissions', 'recipe.list'])).code).toBe(1);
    expect((await ana.run(['tenant', 'ls'])).code).toBe(1);

    const admin = person('admin', made.stdout.trim());
    const binding = 'name: people\nrole_ref: murmur-member\nusers: [ana]\n';
    expect(await admin.run(['set', 'tenant-binding', 'people'], binding)).toMatchObject({ code: 0 });
    expect((await ana.run(['get', 'recipe'])).code).toBe(0);
    // Which the operator's configuration has made.
    expect((await ana.run(['get', 'image', 'murmur-aws-base'])).stdout).toContain('us-east-1: ami-0abc123def456789a');
    expect((await ana.run(['check-permissions', 'recipe.list', 'recipe.edit'])).code).toBe(0);

    const audit = JSON.parse((await admin.run(['audit', 'ls', '-o', 'json'])).stdout) as Record<string, unknown>[];
    expect(audit).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ actor: 'ana', action: 'ListResources', allowed: false }),
        expect.objectContaining({
          actor: 'root@example.com',
          action: 'SetResource',
          resource: 'tenant-binding/people',
          allowed: true,
          outcome: 'OK',
        }),
      ]),
    );
  });

  it('takes a key until it is revoked', async () => {
    const operator = person('operator', (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim());
    const made = await operator.run(['key', 'create', 'bo@example.com', '--expires-in', '720h', '--description', 'Laptop']);
    const bo = person('bo', made.stdout.trim());
    expect((await bo.run(['whoami'])).stdout).toMatch(/^Identity +bo@example\.com$/m);
    expect((await bo.run(['whoami'])).stdout).toMatch(/^Expires +20\S+Z$/m);
    const id = /^API key (\S+) of/.exec(made.stderr)?.[1] ?? '';
    expect((await operator.run(['key', 'ls'])).stdout).toMatch(new RegExp(`^${id} +bo@example\\.com +mur_${id}\\.\\*+ .* Laptop$`, 'm'));
    expect(await operator.run(['key', 'revoke', id])).toMatchObject({ code: 0, stdout: `Revoked API key ${id}\n` });
    expect((await bo.run(['whoami'])).stderr).toContain('murmur: UNAUTHENTICATED: identity token is missing or expired\n');
    expect((await operator.run(['key', 'ls'])).stdout).not.toContain(id);
    expect((await operator.run(['key', 'ls', '--all'])).stdout).toContain(id);
  });
});
