import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type CallHeaders, type TestApi, startTestApi } from './testing-api.js';

describe('a server on the loopback', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api[Symbol.asyncDispose]());

  const get = async (path: string, headers: CallHeaders = {}): Promise<[number | undefined, string]> => {
    const request = httpRequest(`${api.url}${path}`, { headers, agent: false });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let body = '';
    for await (const chunk of response) body += String(chunk);
    return [response.statusCode, body];
  };

  test.each(['evil.example', 'evil.example:7007', '127.0.0.1.evil.example', 'localhost.evil.example', '192.0.2.1', 'a b', '[::2]'])(
    'answers nothing to a page that comes by the name %s',
    async (host) => {
      for (const path of ['/healthz', '/metrics', '/murmur.api.v1.MurmurService/ListIssuers']) {
        const [status, body] = await get(path, { host });
        expect([status, JSON.parse(body)]).toMatchObject([403, { code: 'permission_denied' }]);
      }
    },
  );

  test.each([
    'localhost',
    'LOCALHOST:7007',
    'murmur.localhost:80',
    '127.0.0.1',
    '127.9.9.9:1',
    '[::1]:7007',
    '[::1]',
    'murmur.example.com',
  ])('answers to the name %s', async (host) => {
    expect(await get('/healthz', { host })).toEqual([200, 'ok\n']);
  });

  test('holds HTTP/2 to the same names', async () => {
    const session = connectHttp2(api.url);
    const status = async (authority: string): Promise<unknown> => {
      const stream = session.request({ ':path': '/healthz', ':authority': authority });
      const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
      stream.resume();
      return headers[':status'];
    };
    expect([await status('evil.example'), await status('localhost')]).toEqual([403, 200]);
    session.close();
  });

  test('shows its measurements to this machine, or to a key that may read them', async () => {
    expect((await get('/metrics'))[0]).toBe(200);
    // A proxy on this machine asks for others, and a name that a proxy passes on is not this machine's own.
    for (const header of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip']) {
      expect((await get('/metrics', { [header]: '192.0.2.1' }))[0]).toBe(401);
    }
    expect((await get('/metrics', { host: 'murmur.example.com' }))[0]).toBe(401);

    const through = { 'x-forwarded-for': '192.0.2.1' };
    const watcher = await api.signIn('watcher');
    expect(await get('/metrics', { ...through, ...watcher })).toEqual([
      403,
      'missing permission metrics.read\nContact your tenant admin.\n',
    ]);
    await api.bind('local/default', 'watcher', ['metrics.read']);
    expect((await get('/metrics', { ...through, ...watcher }))[1]).toContain('murmur_call_seconds');
    expect((await get('/metrics', { authorization: 'Bearer wrong' }))[0]).toBe(401);
  });
});

test('wrong keys are slowed down, and nobody is whose key was good before', async () => {
  await using api = await startTestApi({ wrongKeys: { burst: 3, perSecond: 0, waitMs: 0, maxWaiting: 0, maxStrange: 10 } });
  const [known, late] = [await api.signIn('known'), await api.signIn('late')];
  const whoAmI = (headers: CallHeaders) => api.call('whoAmI', {}, headers);
  expect((await whoAmI(known)).code).toBe('OK');
  const wrong = { authorization: `Bearer mur_${'a'.repeat(12)}.${'A'.repeat(43)}` };
  for (let index = 0; index < 3; index++) expect((await whoAmI(wrong)).code).toBe('UNAUTHENTICATED');
  const before = api.queries();
  const exhausted = { code: 'RESOURCE_EXHAUSTED', message: 'too many wrong keys come from your address' };
  expect([await whoAmI(wrong), await whoAmI(late)]).toMatchObject([exhausted, exhausted]);
  expect(api.queries()).toBe(before);
  expect((await whoAmI(known)).code).toBe('OK');
});
