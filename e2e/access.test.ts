import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type CliResult, murmur, murmurOk } from './harness/cli.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';

const team = `kind: tenant-binding
name: builders-bake
role_ref: murmur-member
groups: [builders]
---
kind: group
name: builders
members: [mia@example.com]
---
kind: tenant-binding
name: paint-team
role_ref: painter
users: [pia@example.com]
name_pattern: team-*
---
kind: role
name: painter
permissions: [recipe.*, image.read]
---
kind: tenant-binding
name: everyone-reads
role_ref: murmur-viewer
groups: [everyone]
---
kind: group
name: everyone
all_tenant_members: true
`;

const recipe = (name: string, description: string): string =>
  `name: ${name}\nbase_image_qemu_ref: murmur-tiny-base\nprovisioning_script: |\n  #!/bin/sh\n  sleep 600\nprovisioning_timeout: 10m\ndescription: ${description}\n`;

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;
const secretValue = 'never-to-be-seen-again';

describe('a tenant that people share', () => {
  let server: TestServer;
  /** API keys by their holder. */
  const keys: Record<string, string> = {};
  /** Everything that was printed to anyone. */
  const printed: string[] = [];
  let bake = '';

  beforeAll(async () => {
    server = await startServer();
    await setTinyImage(server);
  });
  afterAll(() => server.remove());

  const as = async (holder: string, args: readonly string[], stdin?: string): Promise<CliResult> => {
    const env = { MURMUR_API_KEY: keys[holder] ?? server.apiKey };
    const result = await murmur(server, args, stdin === undefined ? { env } : { env, stdin });
    printed.push(result.stdout, result.stderr);
    return result;
  };
  const ok = async (holder: string, args: readonly string[], stdin?: string): Promise<string> => {
    const { code, stdout, stderr } = await as(holder, args, stdin);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  const refusedTo = async (holder: string, args: readonly string[], stdin?: string): Promise<string | undefined> => {
    const { code, stdout, stderr } = await as(holder, args, stdin);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    return stderr.split('\n')[0];
  };
  const missing = (permission: string): string => `murmur: PERMISSION_DENIED: missing permission ${permission}`;
  const keyFor = async (holder: string, ...flags: readonly string[]): Promise<string> =>
    (await ok('ada', ['key', 'create', holder, ...flags])).trim();

  it('is made by the operator, with an admin who may do everything there and nothing elsewhere', async () => {
    keys['ada'] = (await ok('operator', ['tenant', 'create', 'local/research', '--admin', 'ada@example.com'])).trim();
    const [tenants, self, others] = await Promise.all([
      ok('operator', ['tenant', 'ls']),
      ok('ada', ['whoami', '-o', 'json']),
      refusedTo('ada', ['tenant', 'ls']),
    ]);
    expect(tenants).toMatch(/^local\/default .*\nlocal\/research /m);
    expect(JSON.parse(self)).toMatchObject({ tenant: 'local/research', subject: 'ada@example.com', operator: false });
    expect(others).toBe('murmur: PERMISSION_DENIED: only an operator of this server may do that');
  });

  it('gets its roles, groups and bindings from one file, which changes nothing the second time', async () => {
    const written = ['role "painter"', 'group "builders"', 'group "everyone"'].concat(
      ['builders-bake', 'everyone-reads', 'paint-team'].map((name) => `tenant-binding "${name}"`),
    );
    const lines = async (...args: readonly string[]) =>
      (await ok('ada', ['apply', ...args, '-f', '-'], team)).trimEnd().split('\n').toSorted();
    expect(await lines('--dry-run')).toEqual(written.map((line) => `${line} created (dry run)`).toSorted());
    expect(await lines()).toEqual(written.map((line) => `${line} created`).toSorted());
    expect(await lines()).toEqual(written.map((line) => `${line} unchanged`).toSorted());
  });

  it('takes a key until it is revoked or expires, and shows it once', async () => {
    const [mia, vic, pia, late, gone] = await Promise.all([
      keyFor('mia@example.com'),
      keyFor('vic@example.com'),
      keyFor('pia@example.com'),
      keyFor('vic@example.com', '--expires-in', '1ms'),
      keyFor('vic@example.com', '--description', 'Lost laptop'),
    ]);
    Object.assign(keys, { mia, vic, pia, late, gone });
    const id = gone.slice('mur_'.length).split('.')[0] ?? '';
    expect(await ok('gone', ['whoami'])).toContain('vic@example.com');
    expect(await ok('ada', ['key', 'revoke', id])).toBe(`Revoked API key ${id}\n`);
    const [listed, all, ...refusals] = await Promise.all([
      ok('ada', ['key', 'ls']),
      ok('ada', ['key', 'ls', '--all']),
      refusedTo('late', ['get', 'recipe']),
      refusedTo('gone', ['get', 'recipe']),
    ]);
    expect(refusals).toEqual(Array(2).fill('murmur: UNAUTHENTICATED: identity token is missing or expired'));
    expect(all).toContain('Lost laptop');
    expect(listed).not.toContain('Lost laptop');
    for (const key of Object.values(keys)) expect(all).not.toContain(key.split('.')[1]);
  });

  it('lets a member bake, and not touch who may do what', async () => {
    expect(await ok('mia', ['set', 'recipe', 'hello'], recipe('hello', 'First'))).toBe('Set recipe "hello"\n');
    expect(await ok('mia', ['bake', 'hello', ...place])).toMatch(/^Bake started \(scope: qemu-local, /);
    const [run] = JSON.parse(await ok('mia', ['bakes', 'ls', '-o', 'json'])) as { run_id: string; author: string }[];
    expect(run?.author).toBe('mia@example.com');
    bake = run?.run_id ?? '';
    const binding = 'name: more\npermissions: ["*"]\nusers: [mia@example.com]\n';
    expect(
      await Promise.all([
        ok('mia', ['bakes', 'cancel', bake]).then(() => 'cancelled'),
        refusedTo('mia', ['set', 'tenant-binding', 'more'], binding),
        refusedTo('mia', ['rm', 'tenant-binding', 'everyone-reads']),
        refusedTo('mia', ['rm', 'tenant-binding', 'no-such-binding']),
        refusedTo('mia', ['key', 'create', 'ada@example.com']),
        refusedTo('mia', ['audit', 'ls']),
      ]),
    ).toEqual([
      'cancelled',
      missing('tenant-binding.edit'),
      missing('tenant-binding.delete'),
      missing('tenant-binding.delete'),
      missing('api-key.create'),
      missing('audit.list'),
    ]);
  });

  it('lets a viewer read, and holds others to the names they were given', async () => {
    expect(await ok('vic', ['get', 'recipe', 'hello'])).toContain('description: First');
    expect(
      await Promise.all([
        refusedTo('vic', ['set', 'recipe', 'hello'], recipe('hello', 'Mine')),
        refusedTo('vic', ['rm', 'recipe', 'hello']),
        refusedTo('vic', ['bake', 'hello', ...place]),
        refusedTo('pia', ['set', 'recipe', 'hello'], recipe('hello', 'Mine')),
        ok('pia', ['set', 'recipe', 'team-paint'], recipe('team-paint', 'Paint')),
      ]),
    ).toEqual([
      missing('recipe.edit'),
      missing('recipe.delete'),
      missing('recipe.edit'),
      missing('recipe.edit'),
      'Set recipe "team-paint"\n',
    ]);
  });

  it('says who may do what, and why', async () => {
    const check = (holder: string, ...args: readonly string[]) => as(holder, ['check-permissions', ...args]);
    const member = 'tenant-binding "builders-bake" gives role "murmur-member" (recipe.edit) to group "builders"';
    const painter = 'tenant-binding "paint-team" gives role "painter" (recipe.*) to pia@example.com for names matching "team-*"';
    const [held, partly, named, unnamed] = await Promise.all([
      check('mia', 'recipe.edit'),
      check('mia', 'recipe.edit', 'tenant-binding.edit', '-o', 'json'),
      check('pia', '--resource', 'recipe/team-paint', 'recipe.delete'),
      check('pia', 'recipe.delete'),
    ]);
    expect(held).toMatchObject({ code: 0, stdout: expect.stringMatching(/^recipe\.edit +yes +/m) });
    expect(held.stdout).toContain(member);
    expect(partly.code).toBe(1);
    expect(JSON.parse(partly.stdout)).toEqual([
      { permission: 'recipe.edit', allowed: true, reason: member },
      { permission: 'tenant-binding.edit', allowed: false, reason: 'no binding gives it to mia@example.com or their groups' },
    ]);
    expect(named.code).toBe(0);
    expect(named.stdout).toContain(painter);
    expect(unnamed.code).toBe(1);
    expect(unnamed.stdout).toContain('it is only held for names matching "team-*"');
  });

  it('refuses a write on what somebody else has changed since, and shows what they changed', async () => {
    await ok('ada', ['set', 'recipe', 'hello', '--if-generation', '1'], recipe('hello', 'Second'));
    expect(await refusedTo('mia', ['set', 'recipe', 'hello', '--if-generation', '1'], recipe('hello', 'Lost'))).toBe(
      'murmur: ABORTED: recipe "hello" is at generation 2, not 1',
    );
    const [diff, history] = await Promise.all([ok('vic', ['diff', 'recipe', 'hello']), ok('vic', ['history', 'recipe', 'hello'])]);
    expect(diff).toContain('\n-description: First\n+description: Second\n');
    expect(history).toMatch(/^2 .*ada@example\.com/m);
    expect(history).toMatch(/^1 .*mia@example\.com/m);
  });

  it('keeps the value of a secret to itself', async () => {
    expect(await ok('mia', ['secret', 'set', 'NPM_TOKEN', '--description', 'Reads packages'], `${secretValue}\n`)).toBe(
      'Set secret "NPM_TOKEN"\n',
    );
    const shown = await Promise.all([
      ok('ada', ['secret', 'ls']),
      ok('ada', ['get', 'secret', 'NPM_TOKEN', '-o', 'json']),
      ok('ada', ['get', 'secret', 'NPM_TOKEN', '--generation', '1']),
      ok('ada', ['export', 'secret']),
    ]);
    for (const text of shown) expect(text).toContain('Reads packages');
    expect(await server.log()).not.toContain(secretValue);
  });

  it('exports documents that apply takes back unchanged', async () => {
    const exported = await ok('ada', ['export']);
    const lines = (await ok('ada', ['apply', '-f', '-'], exported)).trimEnd().split('\n');
    expect(lines).toHaveLength(exported.split('\n---\n').length);
    expect(lines.filter((line) => !line.endsWith(' unchanged'))).toEqual([]);
    expect(lines).toContain('recipe "team-paint" unchanged');
  });

  it('is invisible to every other tenant', async () => {
    const [recipes, recipeFault, bakes, log, keyList, secrets, elsewhere, nowhere] = await Promise.all([
      ok('operator', ['get', 'recipe', '-o', 'json']),
      refusedTo('operator', ['get', 'recipe', 'hello']),
      ok('operator', ['bakes', 'ls', '-o', 'json']),
      ok('operator', ['audit', 'ls']),
      ok('operator', ['key', 'ls', '--all']),
      ok('operator', ['secret', 'ls', '-o', 'json']),
      refusedTo('vic', ['get', 'recipe', '--tenant', 'local/default']),
      refusedTo('vic', ['get', 'recipe', '--tenant', 'local/no-such-tenant']),
    ]);
    expect([recipes, bakes, secrets].map((text) => JSON.parse(text) as unknown)).toEqual([[], [], []]);
    expect(recipeFault).toBe('murmur: NOT_FOUND: recipe "hello" not found');
    expect(log).not.toMatch(/recipe\/hello|mia@/);
    expect(keyList).not.toContain('mia@');
    expect(elsewhere).toBe('murmur: PERMISSION_DENIED: this key does not belong to tenant "local/default"');
    expect(nowhere).toBe('murmur: PERMISSION_DENIED: this key does not belong to tenant "local/no-such-tenant"');
  });

  it('keeps a log of who did what, and of what was refused', async () => {
    const audit = async (...args: readonly string[]) => {
      const entries = JSON.parse(await ok('ada', ['audit', 'ls', '-o', 'json', ...args])) as Record<string, unknown>[];
      return entries.map(({ actor, action, resource, outcome }) => [actor, action, resource, outcome].join(' '));
    };
    const refusedCall = (action: string, resource: string) => `vic@example.com ${action} ${resource} PERMISSION_DENIED`;
    const [ofRecipe, ofBake, denied, ofMia] = await Promise.all([
      audit('--resource', 'recipe/hello'),
      audit('--resource', `bake/${bake}`),
      audit('--denied', '--actor', 'vic@example.com'),
      audit('--actor', 'mia@example.com', '--resource', 'tenant-binding'),
    ]);
    const changes = ofRecipe.filter((entry) => !entry.endsWith(' PERMISSION_DENIED') && !entry.includes('ApplyResources'));
    expect(changes).toEqual([
      'mia@example.com SetResource recipe/hello ABORTED',
      'ada@example.com SetResource recipe/hello OK',
      'mia@example.com StartBake recipe/hello OK',
      'mia@example.com SetResource recipe/hello OK',
    ]);
    expect(ofBake).toEqual([`mia@example.com CancelBake bake/${bake} OK`, 'mia@example.com StartBake recipe/hello OK']);
    expect(denied).toEqual(
      expect.arrayContaining(['RemoveResource', 'SetResource', 'StartBake'].map((action) => refusedCall(action, 'recipe/hello'))),
    );
    // Asking with the name of another tenant.
    expect(denied).toContain(refusedCall('ListResources', 'recipe'));
    expect(denied).toHaveLength(5);
    expect(ofMia).toContain('mia@example.com RemoveResource tenant-binding/everyone-reads PERMISSION_DENIED');
    expect(printed.join('\n')).not.toContain(secretValue);
  });

  it('takes back what it gave from the next call on', async () => {
    await ok('ada', ['rm', 'tenant-binding', 'builders-bake']);
    expect(await refusedTo('mia', ['bake', 'hello', ...place])).toBe(missing('recipe.edit'));
    expect(await murmurOk(server, ['get', 'recipe'])).toBe('NAME   DESCRIPTION\n');
  });
});
