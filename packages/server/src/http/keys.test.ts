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
});
