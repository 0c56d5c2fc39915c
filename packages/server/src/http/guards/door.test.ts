import { once } from 'node:events';
import { type IncomingHttpHeaders, connect as connectHttp2 } from 'node:http2';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type CallHeaders, type TestApi, startTestApi } from '../testing-api.js';

const service = '/murmur.api.v1.MurmurService';

/** A request that announces a body, and as much of it as is sent before the answer. */
interface Sent {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Whether the body is all there is; otherwise more never comes. */
  readonly ends?: boolean;
}

interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What is answered over HTTP/1.1, however much of the body is still missing. */
async function overHttp1(url: string, { method, headers, body, ends = true }: Sent): Promise<Received> {
  const request = httpRequest(`${url}${service}/${method}`, { method: 'POST', headers, agent: false });
  request.on('error', () => undefined);
  if (body !== undefined) request.write(body);
  if (ends) request.end();
  else request.flushHeaders();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  request.destroy();
  return { status: response.statusCode ?? 0, headers: { ...response.headers, ...response.trailers }, body: text };
}

/** The same over HTTP/2. */
async function overHttp2(url: string, { method, headers, body, ends = true }: Sent): Promise<Received> {
  // Node refuses an answer while more than this many MB of a request, 10 by default, still wait to be sent.
  const session = connectHttp2(url, { maxSessionMemory: 64 });
  session.on('error', () => undefined);
  const stream = session.request({ ':method': 'POST', ':path': `${service}/${method}`, ...headers });
  const received: Record<string, unknown> = {};
  const keep = (more: object): void => void Object.assign(received, more);
  stream.on('response', keep).on('trailers', keep);
  stream.on('error', () => undefined);
  if (body !== undefined) stream.write(body);
  if (ends) stream.end();
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  session.destroy();
  return { status: Number(received[':status']), headers: received as IncomingHttpHeaders, body: text };
}

/** The code in an answer of any of the protocols: its name in Connect, its number in gRPC. */
function codeOf({ headers, body }: Received): string {
  const inHeaders = headers['grpc-status']?.toString();
  return inHeaders ?? /"code":\s*"(\w+)"/.exec(body)?.[1] ?? /grpc-status: (\d+)/.exec(body)?.[1] ?? body;
}

const codes = {
  unauthenticated: /^(unauthenticated|16)$/,
  exhausted: /^(resource_exhausted|8)$/,
  invalid: /^(invalid_argument|3)$/,
  unimplemented: /^(unimplemented|12)$/,
};

const framed = (body: Buffer, flags = 0): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
};
const bare = (body: Buffer): Buffer => body;

/** 13 MiB of empty list items in 13 KiB. */
const bomb = gzipSync(Buffer.alloc(13 * 1024 * 1024 - 16, '\n\0'));

const protocols = [
  ['Connect JSON', 'application/json', 'GetResource', bare],
  ['Connect binary', 'application/proto', 'GetResource', bare],
  ['a Connect stream', 'application/connect+proto', 'BuildBase', framed],
  ['a Connect stream of JSON', 'application/connect+json', 'BuildBase', framed],
  ['gRPC', 'application/grpc', 'GetResource', framed],
  ['gRPC with JSON', 'application/grpc+json', 'TryImage', framed],
  ['gRPC-Web', 'application/grpc-web+proto', 'GetResource', framed],
] as const;

const versions = [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const;

describe('the door', () => {
  let api: TestApi;
  let ana: CallHeaders;
  beforeAll(async () => {
    api = await startTestApi();
    await api.bind('local/default', 'ana', ['*']);
    ana = await api.signIn('ana');
  });
  afterAll(() => api[Symbol.asyncDispose]());

  describe.each(versions)('over %s', (version, exchange) => {
    test.each(protocols)('answers %s without a key before a byte of the body is there', async (_, type, method) => {
      const length = version === 'HTTP/1.1' ? { 'content-length': '13000000' } : {};
      const answer = await exchange(api.url, { method, headers: { 'content-type': type, ...length }, ends: false });
      expect(codeOf(answer)).toMatch(codes.unauthenticated);
    });

    test.each(protocols)('unpacks nothing for %s, with a key or without', async (_, type, method, pack) => {
      const encoding = { 'content-encoding': 'gzip', 'connect-content-encoding': 'gzip', 'grpc-encoding': 'gzip' };
      const sent = { method, headers: { 'content-type': type, ...encoding }, body: pack(bomb, 1) };
      expect(codeOf(await exchange(api.url, sent))).toMatch(codes.unauthenticated);
      expect(codeOf(await exchange(api.url, { ...sent, headers: { ...sent.headers, ...ana } }))).toMatch(codes.unimplemented);
    });

    test.each(protocols)('builds no message of too many elements for %s', async (_, type, method, pack) => {
      const body = type.includes('json') ? Buffer.from(`{"x":[${'1,'.repeat(30_000)}1]}`) : Buffer.alloc(60_000, '\n\0');
      const answer = await exchange(api.url, { method, headers: { 'content-type': type, ...ana }, body: pack(body) });
      expect(codeOf(answer)).toMatch(codes.exhausted);
    });

    test.each(protocols)(
      'reads no more than the call takes for %s, whether its length is announced or not',
      async (_, type, method, pack) => {
        const answer = await exchange(api.url, {
          method,
          headers: { 'content-type': type, ...ana },
          body: pack(Buffer.alloc(1_100_000)),
          ends: false,
        });
        expect(codeOf(answer)).toMatch(codes.exhausted);
      },
    );

    test.each(protocols.filter(([, , , pack]) => pack === framed))('takes one message, as it is, for %s', async (_, type, method) => {
      const many = Buffer.concat(Array.from({ length: 10_000 }, () => framed(Buffer.alloc(0))));
      const answer = await exchange(api.url, { method, headers: { 'content-type': type, ...ana }, body: many });
      expect(codeOf(answer)).toMatch(codes.invalid);
      // Compressed without a word of it beforehand.
      const packed = await exchange(api.url, { method, headers: { 'content-type': type, ...ana }, body: framed(bomb, 1) });
      expect(codeOf(packed)).toMatch(codes.unimplemented);
    });

    test('a length that no call may have is neither set aside nor waited for', async () => {
      const headers = { 'content-type': 'application/json', 'content-length': '4000000000' };
      expect(codeOf(await exchange(api.url, { method: 'WhoAmI', headers, ends: false }))).toMatch(codes.unauthenticated);
      expect(codeOf(await exchange(api.url, { method: 'WhoAmI', headers: { ...headers, ...ana }, ends: false }))).toMatch(codes.exhausted);
    });
  });

  test('a refusal says what is exhausted and what to do', async () => {
    const body = Buffer.from(JSON.stringify({ kind: 'x'.repeat(70_000) }));
    const answer = await overHttp1(api.url, { method: 'GetResource', headers: { 'content-type': 'application/json', ...ana }, body });
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
      429,
      {
        code: 'resource_exhausted',
        message: 'the request is larger than the limit of 65536 bytes',
        details: [{ debug: { faults: [{ hint: 'Send less, or in several parts.' }] } }],
      },
    ]);
  });

  test('what a caller sends at once is bounded, and room again once it is gone', async () => {
    const headers = { 'content-type': 'application/json', ...ana };
    const hold = async () => {
      const request = httpRequest(`${api.url}${service}/SetResource`, { method: 'POST', headers, agent: false });
      request.on('error', () => undefined);
      await new Promise<void>((resolve) => request.write(Buffer.alloc(13_000_000, ' '), () => resolve()));
      return request;
    };
    const held = await Promise.all(Array.from({ length: 5 }, hold));
    const set = () => overHttp1(api.url, { method: 'SetResource', headers, body: Buffer.alloc(4_000_000, ' ') });
    await expect
      .poll(async () => (await set()).body, { timeout: 20_000 })
      .toContain('your requests that are being answered hold too many bytes');
    expect(await (await fetch(`${api.url}/healthz`)).text()).toBe('ok\n');
    for (const request of held) request.destroy();
    await expect.poll(async () => (await set()).body, { timeout: 20_000 }).not.toContain('too many bytes');
  });

  test('a client that asks first sends its body only with a good key', async () => {
    const ask = async (key: CallHeaders) => {
      const headers = { 'content-type': 'application/json', 'content-length': '2', expect: '100-continue', ...key };
      const request = httpRequest(`${api.url}${service}/WhoAmI`, { method: 'POST', headers, agent: false });
      let invited = false;
      request.on('continue', () => {
        invited = true;
        request.end('{}');
      });
      request.on('error', () => undefined);
      request.flushHeaders();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      request.destroy();
      return [response.statusCode, invited];
    };
    expect(await ask(ana)).toEqual([200, true]);
    expect(await ask({})).toEqual([401, false]);
  });

  test('an answer is compressed for who takes that', async () => {
    const headers = { 'content-type': 'application/json', 'accept-encoding': 'gzip', ...ana };
    const answer = await overHttp1(api.url, { method: 'DescribeKinds', headers, body: Buffer.from('{}') });
    expect([answer.status, answer.headers['content-encoding']]).toEqual([200, 'gzip']);
  });
});
