import { afterEach, describe, expect, it } from 'vitest';

import { runForTest } from '../testing.js';
import { startTestServer, type TestServer } from '../testing-server.js';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(answers: Parameters<typeof startTestServer>[0]): Promise<Record<string, string>> {
  server = await startTestServer(answers);
  return { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'mur_a.b' };
}

const createTime = { seconds: 1_700_000_000n };
const expireTime = { seconds: 1_800_000_000n };
const key = { id: 'k1', subject: 'ana', masked: 'mur_k1.****', createTime, expireTime, author: 'admin', description: 'Laptop' };

describe('keys', () => {
  it('are printed once, alone on standard output', async () => {
    const asked: unknown[] = [];
    const env = await serve({
      createApiKey(request) {
        asked.push([request.subject, request.expiresIn, request.description]);
        return { key, token: 'mur_k1.secret' };
      },
    });
    expect(await runForTest(['key', 'create', 'ana', '--expires-in', '720h', '--description', 'Laptop'], { env })).toEqual({
      code: 0,
      stdout: 'mur_k1.secret\n',
      stderr: 'API key k1 of ana expires 2027-01-15T08:00:00Z; it is shown this once\n',
    });
    expect(asked).toEqual([['ana', '720h', 'Laptop']]);
    const { stdout } = await runForTest(['key', 'create', 'ana', '-o', 'json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ token: 'mur_k1.secret', key: { id: 'k1', subject: 'ana' } });
    expect((await runForTest(['key', 'create'], { env })).code).toBe(2);
  });

  it('are listed to the last page', async () => {
    const env = await serve({
      listApiKeys: ({ pageToken, all }) =>
        pageToken === ''
          ? { keys: [key], nextPageToken: 'more' }
          : { keys: all ? [{ id: 'k2', subject: 'bo', masked: 'mur_k2.****', createTime, revokeTime: createTime, author: 'ana' }] : [] },
    });
    expect((await runForTest(['key', 'ls'], { env })).stdout).toBe(
      [
        'ID   SUBJECT   KEY           CREATED                EXPIRES                REVOKED   AUTHOR   DESCRIPTION',
        'k1   ana       mur_k1.****   2023-11-14T22:13:20Z   2027-01-15T08:00:00Z             admin    Laptop',
        '',
      ].join('\n'),
    );
    expect(JSON.parse((await runForTest(['key', 'ls', '--all', '-o', 'json'], { env })).stdout)).toMatchObject([
      { id: 'k1' },
      { id: 'k2' },
    ]);
  });

  it('are revoked by their id', async () => {
    const env = await serve({ revokeApiKey: ({ id }) => ({ key: { ...key, id, revokeTime: createTime } }) });
    expect(await runForTest(['key', 'revoke', 'k1'], { env })).toEqual({ code: 0, stdout: 'Revoked API key k1\n', stderr: '' });
    expect(JSON.parse((await runForTest(['key', 'revoke', 'k1', '-o', 'json'], { env })).stdout)).toMatchObject({ id: 'k1' });
  });
});

describe('tenants', () => {
  it('are made, with a key for each admin', async () => {
    const env = await serve({
      createTenant: ({ id, admins }) => ({
        tenant: { id, createTime },
        keys: admins.map((subject, index) => ({ key: { id: `k${index}`, subject }, token: `mur_k${index}.secret` })),
      }),
    });
    expect(await runForTest(['tenant', 'create', 'local/a', '--admin', 'ana', '--admin', 'bo'], { env })).toEqual({
      code: 0,
      stdout: 'mur_k0.secret\nmur_k1.secret\n',
      stderr: 'Created tenant "local/a"\nAPI key k0 of ana; it is shown this once\nAPI key k1 of bo; it is shown this once\n',
    });
  });

  it('are listed', async () => {
    const env = await serve({ listTenants: () => ({ tenants: [{ id: 'local/default', createTime }] }) });
    expect((await runForTest(['tenant', 'ls'], { env })).stdout).toBe('ID              CREATED\nlocal/default   2023-11-14T22:13:20Z\n');
    expect(JSON.parse((await runForTest(['tenant', 'ls', '-o', 'json'], { env })).stdout)).toMatchObject([{ id: 'local/default' }]);
  });
});

describe('check-permissions', () => {
  const check = async (args: readonly string[]) => {
    const env = await serve({
      checkPermissions: ({ permissions, resource }) => ({
        checks: permissions.map((permission) => ({
          permission,
          allowed: permission.endsWith('.read'),
          reason: resource === '' ? 'anywhere' : `on ${resource}`,
        })),
      }),
    });
    return runForTest(['check-permissions', ...args], { env });
  };

  it('succeeds when all are held', async () => {
    expect(await check(['recipe.read', 'image.read'])).toEqual({
      code: 0,
      stdout: 'PERMISSION    ALLOWED   REASON\nrecipe.read   yes       anywhere\nimage.read    yes       anywhere\n',
      stderr: '',
    });
  });

  it('fails when one is not, in every form of output', async () => {
    expect(await check(['--resource', 'recipe/hello', 'recipe.read', 'recipe.edit'])).toEqual({
      code: 1,
      stdout: 'PERMISSION    ALLOWED   REASON\nrecipe.read   yes       on recipe/hello\nrecipe.edit   no        on recipe/hello\n',
      stderr: '',
    });
    const { code, stdout } = await check(['recipe.edit', '-o', 'json']);
    expect(JSON.parse(stdout)).toEqual([{ permission: 'recipe.edit', allowed: false, reason: 'anywhere' }]);
    expect(code).toBe(1);
  });

  it('needs a permission to ask for', async () => {
    expect((await check([])).code).toBe(2);
  });
});

describe('audit ls', () => {
  it('shows who did what, and passes its filters on', async () => {
    const asked: unknown[] = [];
    const env = await serve({
      listAuditEntries({ pageSize, pageToken, resource, actor, deniedOnly }) {
        asked.push({ pageSize, pageToken, resource, actor, deniedOnly });
        const entry = {
          id: 7n,
          time: createTime,
          actor: 'ana',
          keyId: 'k1',
          address: '::1',
          action: 'SetResource',
          resource: 'recipe/hello',
        };
        return {
          entries: [
            { ...entry, allowed: false, outcome: 'PERMISSION_DENIED' },
            { ...entry, keyId: '', allowed: true, outcome: '' },
            { ...entry, action: 'StartBake', allowed: true, outcome: 'OK', made: 'bake/r1' },
          ],
          nextPageToken: 'more',
        };
      },
    });
    expect(await runForTest(['audit', 'ls'], { env })).toEqual({
      code: 0,
      stdout: [
        'TIME                   ACTOR   KEY   ADDRESS   ACTION        RESOURCE       ALLOWED   OUTCOME             MADE',
        '2023-11-14T22:13:20Z   ana     k1    ::1       SetResource   recipe/hello   no        PERMISSION_DENIED',
        '2023-11-14T22:13:20Z   ana           ::1       SetResource   recipe/hello   yes',
        '2023-11-14T22:13:20Z   ana     k1    ::1       StartBake     recipe/hello   yes       OK                  bake/r1',
        '',
      ].join('\n'),
      stderr: 'More with: murmur audit ls --page-token more\n',
    });
    const filters = ['--resource', 'recipe', '--actor', 'ana', '--denied', '--page-size', '5', '--page-token', 't'];
    const listed: unknown = JSON.parse((await runForTest(['audit', 'ls', ...filters, '-o', 'json'], { env })).stdout);
    expect(listed).toMatchObject({ entries: [{ allowed: false }, { allowed: true }, { made: 'bake/r1' }], next_page_token: 'more' });
    expect(asked).toEqual([
      { pageSize: 100, pageToken: '', resource: '', actor: '', deniedOnly: false },
      { pageSize: 5, pageToken: 't', resource: 'recipe', actor: 'ana', deniedOnly: true },
    ]);
  });
});
