import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { MurmurService } from '@murmur/api';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { insertRun } from '../bake/runs/testing-runs.js';
import { databaseNow } from '../database/clock.js';
import { type TestApi, startTestApi } from './testing-api.js';

const minutes = 60_000;

describe.each([
  ['ahead of', 10 * minutes],
  ['behind', -10 * minutes],
])('on a server whose clock is ten minutes %s the database’s', (_, offMs) => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
    await api.bind('local/default', 'ana', ['*']);
  });
  afterEach(() => void vi.useRealTimers());
  afterAll(() => api[Symbol.asyncDispose]());

  const setClock = async () => {
    const now = await databaseNow(api.db.database);
    vi.useFakeTimers({ toFake: ['Date'], now: now.getTime() + offMs });
    return now;
  };
  const expireIn = (key: string, interval: string) =>
    api.db.database
      .updateTable('api_keys')
      .set({ expires_at: sql<Date>`now() + ${interval}::interval` })
      .where('id', '=', key)
      .execute();
  const streamWith = async (headers: Record<string, string>) => {
    const runId = await insertRun(api.db.database, 'local/default', { recipe: 'r' });
    const client = createClient(MurmurService, createConnectTransport({ baseUrl: api.url, httpVersion: '1.1' }));
    return client.streamBakeLog({ runId, follow: true }, { headers })[Symbol.asyncIterator]();
  };

  test('a new key lasts as long as was asked', async () => {
    const ana = await api.signIn('ana');
    const before = await setClock();
    await api.call('createApiKey', { subject: 'ana', description: 'short', expiresIn: '5m' }, ana);
    const row = await api.db.database
      .selectFrom('api_keys')
      .select(['expires_at', sql<boolean>`expires_at <= now() + interval '5 minutes'`.as('in_time')])
      .where('description', '=', 'short')
      .executeTakeFirstOrThrow();
    expect(row.in_time).toBe(true);
    expect(row.expires_at?.getTime()).toBeGreaterThanOrEqual(before.getTime() + 5 * minutes - 1);
  });

  test('a stream goes on while its key lasts, and ends with it', async () => {
    const headers = await api.signIn('ana');
    const [, key = ''] = /mur_(\w+)/.exec(headers['authorization'] ?? '') ?? [];
    await expireIn(key, '5 minutes');
    await setClock();
    expect((await (await streamWith(headers)).next()).done).toBe(false);

    await expireIn(key, '1 second');
    const ending = await streamWith(headers);
    await expect(
      (async () => {
        while ((await ending.next()).done !== true) continue;
      })(),
    ).rejects.toThrow('identity token is missing or expired');
  });

  test('an identity token is taken until it ends', async () => {
    const now = Math.floor((await setClock()).getTime() / 1000);
    const headers = async (exp: number) => ({ authorization: `Bearer ${await api.issuer.token({ sub: 'ana', iat: now, exp })}` });
    expect(await api.call('whoAmI', {}, await headers(now + 300))).toMatchObject({ code: 'OK' });
    expect((await (await streamWith(await headers(now + 300))).next()).done).toBe(false);
    expect(await api.call('whoAmI', {}, await headers(now - 300))).toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});
