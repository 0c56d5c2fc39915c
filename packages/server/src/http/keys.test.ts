import { type JsonValue, fromJson } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { CreateApiKeyResponseSchema, ListApiKeysResponseSchema } from '@murmur/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createApiKey } from '../access/api-keys.js';
import { type CallHeaders, type TestApi, startTestApi } from './testing-api.js';

describe('API keys', () => {
  let api: TestApi;
  let admin: CallHeaders;
  beforeAll(async () => {
    api = await startTestApi();
    await api.bind('local/default', 'admin', ['*']);
    admin = await api.signIn('admin');
    await api.set('local/default', 'service-profile', { name: 'ci' });
  });
  afterAll(() => api[Symbol.asyncDispose]());

  const only = (body: string): JsonValue => (JSON.parse(body) as [JsonValue])[0];
  const make = async (subject: string, more: { description?: string; expiresIn?: string } = {}, headers = admin) => {
    const { code, message, body } = await api.call('createApiKey', { subject, ...more }, headers);
    expect([code, message]).toEqual(['OK', '']);
    const { key, token } = fromJson(CreateApiKeyResponseSchema, only(body));
    if (key === undefined) throw new Error('no key');
    return { key, token, headers: { authorization: `Bearer ${token}` } };
  };
  const list = async (request: { all?: boolean; pageSize?: number; pageToken?: string } = {}, headers = admin) => {
    const { body } = await api.call('listApiKeys', request, headers);
    return { ...fromJson(ListApiKeysResponseSchema, only(body)), body };
  };
  const subjects = async (request: { all?: boolean } = {}, headers = admin) =>
    (await list(request, headers)).keys.map(({ subject }) => subject);

  test('a service profile takes its keys with it: a later one of its name starts without any', async () => {
    await api.set('local/default', 'service-profile', { name: 'fleeting' });
    const { key, headers } = await make('service-profile/fleeting');
    await api.call('removeResource', { kind: 'service-profile', name: 'fleeting' }, admin);
    await api.set('local/default', 'service-profile', { name: 'fleeting' });
    expect(await api.call('whoAmI', {}, headers)).toMatchObject({ code: 'UNAUTHENTICATED' });
    const found = (await list({ all: true })).keys.find(({ id }) => id === key.id);
    expect(found?.revokeTime).toBeDefined();
  });

  test('a key speaks for its subject and is shown once', async () => {
    const { key, token, headers } = await make('ben', { description: 'laptop' });
    expect(key).toMatchObject({ subject: 'ben', description: 'laptop', author: 'admin', masked: `mur_${key.id}.****` });
    expect(key.expireTime).toBeUndefined();
    expect(JSON.parse((await api.call('whoAmI', {}, headers)).body)).toEqual([{ tenant: 'local/default', subject: 'ben', keyId: key.id }]);
    const { body, keys } = await list();
    expect(keys.find(({ id }) => id === key.id)).toEqual(key);
    expect(body).not.toContain(token.split('.')[1]);
    expect(token).toMatch(/^mur_[a-z0-9]{12}\.[\w-]{43}$/);
  });

  test('a key can expire', async () => {
    const { key, headers } = await make('eve', { expiresIn: '1h30m' });
    const left = timestampDate(key.expireTime ?? { $typeName: 'google.protobuf.Timestamp', seconds: 0n, nanos: 0 }).getTime() - Date.now();
    expect(left).toBeGreaterThan(80 * 60_000);
    expect(left).toBeLessThanOrEqual(90 * 60_000);
    expect(JSON.parse((await api.call('whoAmI', {}, headers)).body)).toMatchObject([{ subject: 'eve', expireTime: expect.any(String) }]);
    const short = await make('eve', { expiresIn: '1ns' });
    expect(await api.call('whoAmI', {}, short.headers)).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect((await make('eve', { expiresIn: '87600h' })).key.expireTime).toBeDefined();
  });

  test.each([
    ['', {}, 'subject is required'],
    [' ana', {}, 'subject: invalid user'],
    ['a\0b', {}, 'subject: invalid user'],
    ['x'.repeat(256), {}, 'subject: invalid user'],
    ['ana', { description: 'é'.repeat(513) }, 'description exceeds 1024 byte limit'],
    ['ana', { description: 'a\0b' }, 'description must not contain NUL characters'],
    ['ana', { expiresIn: '1d' }, 'expires_in: invalid duration'],
    ['ana', { expiresIn: '0' }, 'expires_in: duration must be positive'],
    ['ana', { expiresIn: '-1h' }, 'expires_in: duration must be positive'],
    ['ana', { expiresIn: '87600h1ns' }, 'expires_in exceeds 87600h maximum'],
  ])('one for %j with %j is refused: %s', async (subject, more, message) => {
    expect(await api.call('createApiKey', { subject, ...more }, admin)).toMatchObject({ code: 'INVALID_ARGUMENT', message });
  });

  test('one for a service profile needs that profile, as far as its maker may know', async () => {
    expect((await make('service-profile/ci')).key.subject).toBe('service-profile/ci');
    const absent = { code: 'FAILED_PRECONDITION', message: 'subject "service-profile/none" does not exist' };
    expect(await api.call('createApiKey', { subject: 'service-profile/none' }, admin)).toMatchObject(absent);
    for (const subject of ['service-profile/', 'service-profile/A b', `service-profile/${'a'.repeat(200)}`]) {
      expect(await api.call('createApiKey', { subject }, admin)).toMatchObject({ code: 'FAILED_PRECONDITION' });
    }
    await api.bind('local/default', 'key-maker', ['api-key.create']);
    const maker = await api.signIn('key-maker');
    expect(await api.call('createApiKey', { subject: 'service-profile/ci' }, maker)).toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: 'subject "service-profile/ci" does not exist',
    });
  });

  test('a key made by an operator does not act on the server', async () => {
    const { headers } = await make('admin', {}, await api.signIn('op', { reach: 'operator' }));
    expect(await api.call('listTenants', {}, headers)).toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  test('a revoked key is refused from the next call on, and revoking it again changes nothing', async () => {
    const { key, headers } = await make('rex');
    expect(await api.call('whoAmI', {}, headers)).toMatchObject({ code: 'OK' });
    const first = await api.call('revokeApiKey', { id: key.id }, admin);
    expect(await api.call('whoAmI', {}, headers)).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await api.call('revokeApiKey', { id: key.id }, admin)).toEqual(first);
    expect(await subjects()).not.toContain('rex');
    expect(await subjects({ all: true })).toContain('rex');
  });

  test('whoever holds a key can give it up, and no other', async () => {
    const [own, other] = [await make('leaver'), await make('leaver')];
    expect(await api.call('revokeApiKey', { id: other.key.id }, own.headers)).toMatchObject({
      code: 'PERMISSION_DENIED',
      message: 'missing permission api-key.delete',
    });
    expect(await api.call('revokeApiKey', { id: own.key.id }, own.headers)).toMatchObject({ code: 'OK' });
    expect(await api.call('whoAmI', {}, own.headers)).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await api.call('whoAmI', {}, other.headers)).toMatchObject({ code: 'OK' });
  });

  test('an operator’s key is not a tenant admin’s to revoke', async () => {
    const { id } = await createApiKey(api.db.database, { tenant: 'local/default', subject: 'op', reach: 'operator' });
    expect(await api.call('revokeApiKey', { id }, admin)).toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  test.each(['', 'zzzzzzzzzzzz', 'a\0b', "'; drop"])('there is no key %j', async (id) => {
    expect(await api.call('revokeApiKey', { id }, admin)).toMatchObject({ code: 'NOT_FOUND', message: `API key "${id}" not found` });
  });

  test('who holds it for some names makes, sees and revokes the keys of those', async () => {
    await api.bind('local/default', 'lead', ['api-key.*'], 'team-*');
    const lead = await api.signIn('lead');
    const { key } = await make('team-bot', {}, lead);
    const foreign = await make('ben');
    expect(await api.call('createApiKey', { subject: 'ben' }, lead)).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(new Set(await subjects({ all: true }, lead))).toEqual(new Set(['team-bot']));
    expect(await api.call('revokeApiKey', { id: foreign.key.id }, lead)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await api.call('revokeApiKey', { id: key.id }, lead)).toMatchObject({ code: 'OK' });
    await api.bind('local/default', 'lead', ['api-key.list']);
    expect(await api.call('revokeApiKey', { id: foreign.key.id }, lead)).toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  test('are listed in pages, oldest first', async () => {
    const all = await list({ all: true });
    const times = all.keys.map(({ createTime }) => Number(createTime?.seconds));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const ids: string[] = [];
    let pageToken = '';
    do {
      const page = await list({ all: true, pageSize: 3, pageToken });
      expect(page.keys.length).toBeLessThanOrEqual(3);
      ids.push(...page.keys.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(ids).toEqual(all.keys.map(({ id }) => id));
    const { nextPageToken } = await list({ all: true, pageSize: 1 });
    expect(await api.call('listApiKeys', { all: false, pageToken: nextPageToken }, admin)).toMatchObject({ message: 'invalid page_token' });
    expect(await api.call('listApiKeys', { pageSize: -1 }, admin)).toMatchObject({ message: 'page_size must be between 1 and 1000' });
  });
  describe('one for somebody else', () => {
    const unauthenticated = { code: 'UNAUTHENTICATED', message: 'identity token is missing or expired' };
    const lacks = (permission: string) => ({ code: 'PERMISSION_DENIED', message: `missing permission ${permission}` });
    const getRecipe = (headers: CallHeaders, name = 'none') => api.call('getResource', { kind: 'recipe', name }, headers);
    const getImage = (headers: CallHeaders) => api.call('getResource', { kind: 'image', name: 'none' }, headers);
    const unbind = async (user: string) => {
      const { body } = await api.call('listResources', { kind: 'tenant-binding' }, admin);
      const [{ resources }] = JSON.parse(body) as [{ resources: { name: string; tenantBinding: { users: string[] } }[] }];
      for (const { name, tenantBinding } of resources) {
        if (tenantBinding.users[0] === user) await api.call('removeResource', { kind: 'tenant-binding', name }, admin);
      }
    };
    /** Somebody with a key of their own who may make keys, and holds these permissions beside. */
    const maker = async (subject: string, permissions: string[], names?: string) => {
      await api.bind('local/default', subject, ['api-key.create']);
      await api.bind('local/default', subject, permissions, names);
      return api.signIn(subject);
    };
    const idOf = (headers: CallHeaders) => /mur_(\w+)/.exec(headers['authorization'] ?? '')?.[1] ?? '';

    test('gives nothing of what its subject is given later and its maker does not hold', async () => {
      const minting = await maker('minter', ['recipe.read']);
      const { headers } = await make('later-admin', {}, minting);
      expect(await getRecipe(headers)).toMatchObject(lacks('recipe.read'));
      await api.bind('local/default', 'later-admin', ['*']);
      expect(await getImage(await api.signIn('later-admin'))).toMatchObject({ code: 'NOT_FOUND' });
      expect(await getRecipe(headers)).toMatchObject({ code: 'NOT_FOUND' });
      expect(await getImage(headers)).toMatchObject(lacks('image.read'));
      expect(await api.call('createApiKey', { subject: 'minter' }, headers)).toMatchObject({ code: 'OK' });
      const { body } = await api.call('checkPermissions', { permissions: ['recipe.read', 'image.read'] }, headers);
      expect(JSON.parse(body)).toMatchObject([
        {
          checks: [
            { permission: 'recipe.read', allowed: true },
            { permission: 'image.read', reason: 'the maker of this key does not hold it: no binding gives it to minter or their groups' },
          ],
        },
      ]);
    });

    test('gives names that both may, in lists too', async () => {
      const minting = await maker('lister', ['recipe.read', 'recipe.list'], 'red-*');
      const { headers } = await make('listed', {}, minting);
      await api.bind('local/default', 'listed', ['recipe.read', 'recipe.list'], '*-a');
      for (const name of ['red-a', 'red-b', 'blue-a']) {
        await api.set('local/default', 'recipe', {
          name,
          base_image_gce_ref: 'murmur-gce-base',
          provisioning_script: 'true',
          provisioning_timeout: '5m',
        });
      }
      const { body } = await api.call('listResources', { kind: 'recipe' }, headers);
      expect(['red-a', 'red-b', 'blue-a'].filter((name) => body.includes(`"${name}"`))).toEqual(['red-a']);
      expect(await getRecipe(headers, 'red-a')).toMatchObject({ code: 'OK' });
      for (const name of ['red-b', 'blue-a']) expect(await getRecipe(headers, name)).toMatchObject(lacks('recipe.read'));
    });

    test('follows what its maker loses, and ends when that is everything', async () => {
      const minting = await maker('loser', ['recipe.read', 'image.read']);
      const { headers } = await make('heir', {}, minting);
      await api.bind('local/default', 'heir', ['*']);
      expect(await getImage(headers)).toMatchObject({ code: 'NOT_FOUND' });
      await unbind('loser');
      expect(await api.call('whoAmI', {}, headers)).toMatchObject(unauthenticated);
      await api.bind('local/default', 'loser', ['recipe.read']);
      expect(await getImage(headers)).toMatchObject(lacks('image.read'));
    });

    test.each(['revoked', 'expired'])('ends when the key it was made with is %s, through every key between', async (how) => {
      const { database } = api.db;
      const first = await maker(`first-${how}`, ['*']);
      const second = await make(`second-${how}`, {}, first);
      await api.bind('local/default', `second-${how}`, ['*']);
      const third = await make(`third-${how}`, {}, second.headers);
      // Nor is it left behind by making another for oneself.
      const own = await make(`second-${how}`, {}, second.headers);
      for (const { headers } of [second, third, own]) expect(await api.call('whoAmI', {}, headers)).toMatchObject({ code: 'OK' });
      const ended = how === 'revoked' ? { revoked_at: new Date() } : { expires_at: new Date(Date.now() - 1000) };
      await database.updateTable('api_keys').set(ended).where('id', '=', idOf(first)).execute();
      for (const { headers } of [second, third, own]) expect(await api.call('whoAmI', {}, headers)).toMatchObject(unauthenticated);
    });

    test('ends also when the row of that key is gone', async () => {
      const first = await maker('gone', ['*']);
      const { headers } = await make('orphan', {}, first);
      await api.db.database.deleteFrom('api_keys').where('id', '=', idOf(first)).execute();
      expect(await api.call('whoAmI', {}, headers)).toMatchObject(unauthenticated);
    });

    test('is not what a key for oneself is: that outlives the one it was made with', async () => {
      const old = await maker('rotator', ['recipe.read']);
      const { headers } = await make('rotator', {}, old);
      expect(await api.call('revokeApiKey', { id: idOf(old) }, admin)).toMatchObject({ code: 'OK' });
      expect(await getRecipe(headers)).toMatchObject({ code: 'NOT_FOUND' });
    });

    test('made by an operator gives what its subject holds, for as long as the operator’s key lasts', async () => {
      const operator = await api.signIn('op', { reach: 'operator' });
      const { headers } = await make('hired', {}, operator);
      await api.bind('local/default', 'hired', ['recipe.read']);
      expect(await getRecipe(headers)).toMatchObject({ code: 'NOT_FOUND' });
      expect(await getImage(headers)).toMatchObject(lacks('image.read'));
      await api.call('revokeApiKey', { id: idOf(operator) }, operator);
      expect(await api.call('whoAmI', {}, headers)).toMatchObject(unauthenticated);
    });

    test('made with an identity token is bound to the holder of the token', async () => {
      await api.bind('local/default', 'token-holder', ['api-key.create', 'recipe.read']);
      const { headers } = await make('friend', {}, { authorization: `Bearer ${await api.issuer.token({ sub: 'token-holder' })}` });
      await api.bind('local/default', 'friend', ['*']);
      expect(await getRecipe(headers)).toMatchObject({ code: 'NOT_FOUND' });
      expect(await getImage(headers)).toMatchObject(lacks('image.read'));
      await unbind('token-holder');
      expect(await getRecipe(headers)).toMatchObject(unauthenticated);
    });
  });
});
