import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type CallHeaders, type TestApi, startTestApi } from './testing-api.js';

interface Made {
  readonly tenant: { readonly id: string };
  readonly keys: readonly { readonly token: string; readonly key: { readonly subject: string } }[];
}

describe('tenants', () => {
  let api: TestApi;
  let operator: CallHeaders;
  beforeAll(async () => {
    api = await startTestApi();
    operator = await api.signIn('op', { reach: 'operator' });
  });
  afterAll(() => api[Symbol.asyncDispose]());

  const make = async (id: string, admins: string[]): Promise<Made> => {
    const { code, message, body } = await api.call('createTenant', { id, admins }, operator);
    expect([code, message]).toEqual(['OK', '']);
    return (JSON.parse(body) as [Made])[0];
  };
  const names = async (request: { pageSize?: number; pageToken?: string } = {}) => {
    const { body } = await api.call('listTenants', request, operator);
    const [page] = JSON.parse(body) as [{ tenants: { id: string }[]; nextPageToken?: string }];
    return { ids: page.tenants.map(({ id }) => id), next: page.nextPageToken };
  };

  test('a new one has its admins, each with a key that may do everything there and nothing elsewhere', async () => {
    const { tenant, keys } = await make('github_oauth/acme.io', ['ana@example.com', 'ben']);
    expect([tenant.id, ...keys.map(({ key }) => key.subject)]).toEqual(['github_oauth/acme.io', 'ana@example.com', 'ben']);
    for (const { token } of keys) {
      const headers = { authorization: `Bearer ${token}` };
      const document = '{name: devs, members: [cem]}';
      expect(await api.call('setResource', { kind: 'group', name: 'devs', document }, headers)).toMatchObject({ code: 'OK' });
      expect(await api.call('listTenants', {}, headers)).toMatchObject({ code: 'PERMISSION_DENIED' });
      const check = await api.call('checkPermissions', { permissions: ['audit.list'] }, headers);
      expect(check.body).toContain('tenant-binding \\"admins\\" gives role \\"murmur-admin\\" (*) to ');
    }
    const stranger = await api.signIn('ana@example.com');
    expect(await api.call('getResource', { kind: 'group', name: 'devs' }, stranger)).toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  test('one that exists is not made again, and keeps its admins', async () => {
    await make('local/once', ['ana']);
    expect(await api.call('createTenant', { id: 'local/once', admins: ['eve'] }, operator)).toMatchObject({
      code: 'ALREADY_EXISTS',
      message: 'tenant "local/once" already exists',
    });
    const keys = await api.db.database.selectFrom('api_keys').select('subject').where('tenant', '=', 'local/once').execute();
    expect(keys).toEqual([{ subject: 'ana' }]);
  });

  const grammar = 'id must match {github_app|github_oauth|local}/[A-Za-z0-9][A-Za-z0-9._-]{0,62}';
  test.each([
    ['', ['ana'], 'id is required'],
    ['acme', ['ana'], grammar],
    ['murmur/platform', ['ana'], grammar],
    ['local/', ['ana'], grammar],
    ['local/-a', ['ana'], grammar],
    ['local/a/b', ['ana'], grammar],
    ['local/a\n', ['ana'], grammar],
    [`local/${'a'.repeat(64)}`, ['ana'], grammar],
    ['local/fine', [], 'admins is required'],
    ['local/fine', ['ana', ''], 'admins[1] is required'],
    ['local/fine', ['ana', 'ana'], 'admins[1]: "ana" is named twice'],
    ['local/fine', ['service-profile/ci'], 'admins[0]: a new tenant has no service profiles'],
    ['local/fine', ['a\0b'], 'admins[0]: invalid user'],
  ])('%j with admins %j is refused: %s', async (id, admins, message) => {
    expect(await api.call('createTenant', { id, admins }, operator)).toMatchObject({ code: 'INVALID_ARGUMENT', message });
    expect((await names()).ids).not.toContain('local/fine');
  });

  test('are listed in pages, without the platform', async () => {
    const { ids } = await names();
    expect(ids).toEqual(expect.arrayContaining(['local/default', 'local/other', 'github_app/acme']));
    expect(ids).not.toContain('murmur/platform');
    const first = await names({ pageSize: 1 });
    const second = await names({ pageSize: 1000, ...(first.next === undefined ? {} : { pageToken: first.next }) });
    expect([...first.ids, ...second.ids]).toEqual(ids);
  });
});

describe('permission checks', () => {
  let api: TestApi;
  let ana: CallHeaders;
  beforeAll(async () => {
    api = await startTestApi();
    await api.bind('local/default', 'ana', ['recipe.edit']);
    await api.bind('local/default', 'ana', ['image.*'], 'team-*');
    ana = await api.signIn('ana');
  });
  afterAll(() => api[Symbol.asyncDispose]());

  const check = async (permissions: string[], resource = '') => {
    const answer = await api.call('checkPermissions', { permissions, resource }, ana);
    if (answer.code !== 'OK') return `${answer.code}: ${answer.message}`;
    const [{ checks }] = JSON.parse(answer.body) as [{ checks: { permission: string; allowed?: boolean; reason: string }[] }];
    return checks.map(({ permission, allowed = false, reason }) => [permission, allowed, reason]);
  };

  test('say what is held and through what, in the order asked', async () => {
    expect(await check(['secret.read', 'recipe.edit'])).toEqual([
      ['secret.read', false, 'no binding gives it to ana or their groups'],
      ['recipe.edit', true, 'tenant-binding "binding-1" gives recipe.edit to ana'],
    ]);
    expect(await check(['image.read'])).toEqual([['image.read', false, 'it is only held for names matching "team-*"']]);
    expect(await check(['image.read'], 'image/team-a')).toMatchObject([['image.read', true, expect.stringContaining('"team-*"')]]);
    expect(await check(['api-key.create'], 'api-key/service-profile/ci')).toMatchObject([['api-key.create', false, expect.any(String)]]);
  });

  test('say the same of what exists and what does not', async () => {
    await api.set('local/default', 'image', { name: 'hidden', architecture: 'AMD64', docker: { image_ref: 'debian:12' } });
    expect(await check(['image.read'], 'image/hidden')).toEqual(await check(['image.read'], 'image/nothing'));
  });

  test.each([
    [[], '', 'permissions is required'],
    [['recipe.fly'], '', 'unknown permission "recipe.fly"'],
    [['recipe.edit', 'bogus'], '', 'unknown permission "bogus"'],
    [['recipe.*'], '', 'unknown permission "recipe.*"'],
    [['recipe.edit.x'], '', 'unknown permission "recipe.edit.x"'],
    [['recipe.edit'], 'recipe', 'resource "recipe" is not kind/name'],
    [['recipe.edit'], 'recipe/', 'resource "recipe/" is not kind/name'],
    [['recipe.edit'], 'rocket/x', 'unknown kind "rocket"'],
    [['recipe.edit'], 'image/x', 'permission "recipe.edit" does not apply to kind image'],
  ])('%j of %j is refused: %s', async (permissions, resource, message) => {
    expect(await check(permissions, resource)).toBe(`INVALID_ARGUMENT: ${message}`);
  });
});
