import { type Client, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { MurmurError, MurmurService } from '@murmur/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { insertRun } from '../bake/runs/testing-runs.js';
import { rechecked } from './rechecked.js';
import { type TestApi, startTestApi } from './testing-api.js';

describe('a stream', () => {
  let api: TestApi;
  let client: Client<typeof MurmurService>;
  beforeAll(async () => {
    api = await startTestApi();
    client = createClient(MurmurService, createConnectTransport({ baseUrl: api.url, httpVersion: '1.1' }));
    await api.bind('local/default', 'ana', ['recipe.read']);
  });
  afterAll(() => api[Symbol.asyncDispose]());

  /** Follows a bake, changes something, lets the bake go on, and tells how the stream ended. */
  const followWhile = async (change: (key: string) => Promise<unknown>): Promise<string> => {
    const { database } = api.db;
    const runId = await insertRun(database, 'local/default', { recipe: 'r' });
    const headers = await api.signIn('ana');
    const messages = client.streamBakeLog({ runId, follow: true }, { headers })[Symbol.asyncIterator]();
    expect((await messages.next()).value).toMatchObject({ bake: { runId } });
    await change(/mur_(\w+)/.exec(headers['authorization'] ?? '')?.[1] ?? '');
    await database.updateTable('runs').set({ phase: 'completed', ended_at: new Date() }).where('id', '=', runId).execute();
    try {
      for (let next = await messages.next(); next.done !== true; next = await messages.next());
      return 'OK';
    } catch (thrown) {
      return MurmurError.from(thrown).code;
    }
  };

  test('goes on for who may still read it', async () => {
    expect(await followWhile(async () => undefined)).toBe('OK');
  });

  test('ends once its key is revoked', async () => {
    const { database } = api.db;
    const revoke = (key: string) => database.updateTable('api_keys').set({ revoked_at: new Date() }).where('id', '=', key).execute();
    expect(await followWhile(revoke)).toBe('UNAUTHENTICATED');
  });

  test('ends with its token', async () => {
    await api.bind('local/default', 'token-holder', ['recipe.read']);
    const runId = await insertRun(api.db.database, 'local/default', { recipe: 'r' });
    // Within what clocks may differ by, so that it is taken, and ended.
    const token = await api.issuer.token({ sub: 'token-holder', exp: Math.floor(Date.now() / 1000) - 5 });
    const messages = client.streamBakeLog({ runId, follow: true }, { headers: { authorization: `Bearer ${token}` } });
    await expect(messages[Symbol.asyncIterator]().next()).rejects.toThrow('identity token is missing or expired');
  });

  test('ends with its token though nothing comes, and lets go of its source', async () => {
    let left = false;
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => undefined),
        return: async () => ((left = true), { done: true as const, value: undefined }),
      }),
    };
    const endsAt = performance.now() + 100;
    const messages = rechecked(source, { everyMs: 3_600_000, check: async () => undefined, lastsMs: 100 });
    await expect(messages[Symbol.asyncIterator]().next()).rejects.toThrow('identity token is missing or expired');
    expect([left, performance.now() >= endsAt]).toEqual([true, true]);
  });

  test('on which nothing comes ends once its key is revoked', async () => {
    const { database } = api.db;
    const runId = await insertRun(database, 'local/default', { recipe: 'r' });
    const headers = await api.signIn('ana');
    const messages = client.streamBakeLog({ runId, follow: true }, { headers })[Symbol.asyncIterator]();
    await messages.next();
    const id = /mur_(\w+)/.exec(headers['authorization'] ?? '')?.[1] ?? '';
    await database.updateTable('api_keys').set({ revoked_at: new Date() }).where('id', '=', id).execute();
    await expect(messages.next()).rejects.toThrow('identity token is missing or expired');
  });

  test('ends once its caller may no longer read it', async () => {
    const boss = await api.signIn('boss', { reach: 'operator' });
    const unbind = async () => {
      expect(await api.call('removeResource', { kind: 'tenant-binding', name: 'binding-1' }, boss)).toMatchObject({ code: 'OK' });
    };
    expect(await followWhile(unbind)).toBe('PERMISSION_DENIED');
  });

  test('is not looked at again before it is time', async () => {
    let checks = 0;
    const messages = rechecked(
      (async function* () {
        yield* [1, 2, 3];
      })(),
      { everyMs: 3_600_000, check: async () => (checks += 1) },
    );
    const seen: number[] = [];
    for await (const message of messages) seen.push(message);
    expect([seen, checks]).toEqual([[1, 2, 3], 0]);
  });
});
