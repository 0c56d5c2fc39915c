import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { Architecture, ImageSchema, MurmurError, MurmurService } from '@murmur/api';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createApiKey } from '../access/api-keys.js';
import { noIssuers } from '../access/oidc.js';
import { testRoom } from '../bake/room/testing.js';
import { createBakery } from '../bake/index.js';
import { writeBuiltins } from '../catalog/builtins.js';
import { connect } from '../database/pool.js';
import { type TestDatabase, testDatabase } from '../database/testing.js';
import type { Database } from '../database/tables.js';
import { openKeyFile } from '../secrets/key-provider.js';
import { createTenantKeys } from '../secrets/tenant-keys.js';
import type { BaseImageBuilder } from '../bake/bases/build.js';
import type { Listener } from './listen.js';
import { serveApi } from './server.js';

const log = pino({ level: process.env['MURMUR_LOG_LEVEL'] ?? 'silent' });

type Build = Parameters<BaseImageBuilder['build']>[0];

/** Node refuses an answer's headers while more than this many MB, 10 by default, of a request still wait to be sent. */
const nodeOptions = { maxSessionMemory: 64 };

/** Every way to speak to the one port. */
const transports: [string, (baseUrl: string) => Transport][] = [
  ['Connect with JSON', (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1' })],
  ['Connect over HTTP/2', (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: true })],
  ['gRPC', (baseUrl) => createGrpcTransport({ baseUrl, nodeOptions })],
  ['gRPC-Web', (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
];

describe('serveApi', () => {
  let db: TestDatabase;
  let dataDir: string;
  let listener: Listener;
  let headers: Record<string, string>;
  /** What the base image's build does; a test may replace it. */
  let build: (options: Build) => Promise<void>;

  const serve = async (database: Database): Promise<Listener> => {
    const tenantKeys = createTenantKeys(database, await openKeyFile(join(dataDir, 'master.key')));
    const bakery = createBakery({
      database,
      connection: db,
      tenantKeys,
      substrates: new Map(),
      installation: 'test',
      log,
      hostId: 'test',
      sharesDatabase: true,
      room: testRoom(),
      retention: { runsSeconds: undefined, logsSeconds: undefined, auditSeconds: undefined },
    });
    const builder: BaseImageBuilder = {
      imageName: 'murmur-qemu-base',
      async build(options) {
        await build(options);
        const source = { case: 'qemu', value: { diskDigest: `sha256:${'0'.repeat(64)}` } } as const;
        return create(ImageSchema, { name: 'murmur-qemu-base', architecture: Architecture.AMD64, source });
      },
    };
    const parts = { database, tenantKeys, bakery, issuers: noIssuers, log };
    return serveApi('127.0.0.1:0', {
      ...parts,
      baseBuilders: [builder],
      localTenants: [],
      substrates: ['QEMU'],
      missingSubstrates: new Map([['DOCKER', 'connect ENOENT /run/docker.sock']]),
      version: '1.2.3',
    });
  };
  const clientOf = (transport: (baseUrl: string) => Transport, url = listener.url): Client<typeof MurmurService> =>
    createClient(MurmurService, transport(url));
  const call = (method: string, body: string, extra: Record<string, string> = {}): Promise<Response> =>
    fetch(`${listener.url}/murmur.api.v1.MurmurService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers, ...extra },
      body,
    });
  /** What a client of these bytes is answered. */
  const exchange = async (text: string): Promise<string> => {
    const socket = connectTcp(Number(new URL(listener.url).port), '127.0.0.1');
    socket.write(text);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  };
  const refusal = async (work: Promise<unknown>): Promise<MurmurError> => {
    try {
      await work;
    } catch (thrown) {
      return MurmurError.from(thrown);
    }
    throw new Error('expected a refusal');
  };
  /** A build that says it has begun and goes on until it is told to stop. */
  const endlessBuild = (): Promise<void> =>
    new Promise((stopped) => {
      build = async ({ onProgress, signal }) => {
        onProgress('begun');
        if (!signal.aborted) await once(signal, 'abort');
        stopped();
        throw new Error('stopped');
      };
    });

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'murmur-http-'));
    db = await testDatabase();
    await db.database
      .insertInto('tenants')
      .values([{ id: 'local/default' }, { id: 'local/other' }])
      .execute();
    await writeBuiltins(db.database, { localSubstrates: ['QEMU'], localArchitecture: 'AMD64' });
    const { token } = await createApiKey(db.database, { tenant: 'local/default', subject: 'ana', reach: 'operator' });
    headers = { authorization: `Bearer ${token}` };
    listener = await serve(db.database);
  });
  afterAll(async () => {
    await listener.close();
    await db.close();
    await rm(dataDir, { recursive: true });
  });

  describe.each(transports)('%s', (name, transport) => {
    test('calls reach access, catalog and bakes', async () => {
      const client = clientOf(transport);
      expect(await client.whoAmI({}, { headers })).toMatchObject({ tenant: 'local/default', subject: 'ana' });
      const recipe = `recipe-${name.toLowerCase().replaceAll(/[^a-z]/g, '')}`;
      const document = `{name: ${recipe}, base_image_gce_ref: murmur-gce-base, provisioning_script: "echo é", provisioning_timeout: 5m}`;
      const { changed } = await client.setResource({ kind: 'recipe', name: recipe, document }, { headers });
      expect(changed).toBe(true);
      const { resource } = await client.getResource({ kind: 'recipe', name: recipe }, { headers });
      expect(resource).toMatchObject({ generation: 1n, author: 'ana', spec: { case: 'recipe', value: { provisioningScript: 'echo é' } } });
      expect((await client.listBakes({}, { headers })).bakes).toEqual([]);
    });

    test('an error arrives with its code, its message, its hint and every fault', async () => {
      const client = clientOf(transport);
      const missing = await refusal(client.startBake({ recipe: 'none', environment: 'murmur-qemu-small', placement: 'x' }, { headers }));
      expect(missing).toMatchObject({ code: 'NOT_FOUND', message: 'recipe "none" not found' });
      const invalid = await refusal(client.setResource({ kind: 'recipe', name: 'a', document: 'name: b\nx: 1' }, { headers }));
      expect(invalid).toMatchObject({ code: 'INVALID_ARGUMENT', message: 'unknown field "x"' });
      expect(invalid.hint).toBe('"murmur describe recipe" lists the fields and their types.');
      expect(invalid.faults.length).toBeGreaterThan(2);
    });

    test('a stream brings what is sent, in order, and its end', async () => {
      build = async ({ onProgress }) => {
        onProgress('one');
        await new Promise((resolve) => setImmediate(resolve));
        onProgress('two');
      };
      const events: unknown[] = [];
      for await (const { event } of clientOf(transport).buildBase({}, { headers })) {
        events.push(event.case === 'image' ? event.value.name : event.value);
      }
      expect(events).toEqual(['one', 'two', 'murmur-qemu-base']);
    });

    test('a client that leaves a stream ends what it asked for', async () => {
      const stopped = endlessBuild();
      const left = new AbortController();
      const reading = (async () => {
        for await (const { event } of clientOf(transport).buildBase({}, { headers, signal: left.signal })) {
          expect(event).toEqual({ case: 'progress', value: 'begun' });
          left.abort();
        }
      })();
      expect(await refusal(reading)).toMatchObject({ code: 'CANCELLED' });
      await stopped;
    });

    test('a request that is too large is refused with the limit', async () => {
      const document = 'x'.repeat(20 * 1024 * 1024);
      const refused = await refusal(clientOf(transport).setResource({ kind: 'recipe', name: 'a', document }, { headers }));
      expect([refused.code, refused.message]).toEqual(['RESOURCE_EXHAUSTED', 'the request is larger than the limit of 13631488 bytes']);
    });

    test('a deadline is told apart from a client that left', async () => {
      const stopped = endlessBuild();
      const reading = (async () => {
        for await (const { event } of clientOf(transport).buildBase({}, { headers, timeoutMs: 1500 })) expect(event.value).toBe('begun');
      })();
      expect(await refusal(reading)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      await stopped;
    });

    test('a server that stops says so on its open streams', async () => {
      const stopping = await serve(db.database);
      const stopped = endlessBuild();
      let closed: Promise<void> | undefined;
      const reading = (async () => {
        for await (const { event } of clientOf(transport, stopping.url).buildBase({}, { headers })) {
          expect(event.value).toBe('begun');
          closed = stopping.close();
        }
      })();
      expect(await refusal(reading)).toMatchObject({ code: 'UNAVAILABLE', message: 'the server is stopping' });
      await stopped;
      await closed;
    });
  });

  test('plain JSON over HTTP works without any library', async () => {
    const response = await call('GetVersion', '{}');
    expect([response.status, await response.json()]).toEqual([200, { version: '1.2.3', substrates: ['QEMU'] }]);
    const refused = await call('GetResource', '{"kind": "recipe", "name": "none"}');
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ code: 'not_found', message: 'recipe "none" not found' });
  });

  test.each([
    ['no header', undefined],
    ['an empty one', ''],
    ['another scheme', 'Basic YTpi'],
    ['a malformed key', 'Bearer mur_x'],
    ['a key nobody has', `Bearer mur_${'a'.repeat(12)}.${'A'.repeat(43)}`],
    ['bytes beyond ASCII', 'Bearer \u00ff\u00fe'],
  ])('a call with %s for authorization is UNAUTHENTICATED', async (_, authorization) => {
    const { authorization: __, ...others } = headers;
    const response = await fetch(`${listener.url}/murmur.api.v1.MurmurService/GetVersion`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...others, ...(authorization === undefined ? {} : { authorization }) },
      body: '{}',
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'unauthenticated', message: 'identity token is missing or expired' });
  });

  test('a call meant for another tenant is refused, whether there is such a tenant or not', async () => {
    expect((await call('WhoAmI', '{}', { 'murmur-tenant': 'local/default' })).status).toBe(200);
    for (const tenant of ['local/other', 'local/none', 'murmur/platform']) {
      const response = await call('WhoAmI', '{}', { 'murmur-tenant': tenant });
      expect([response.status, await response.json()]).toMatchObject([403, { message: `this key does not belong to tenant "${tenant}"` }]);
    }
  });

  test('a key that is no operator’s cannot build bases', async () => {
    const { token } = await createApiKey(db.database, { tenant: 'local/default', subject: 'ben', reach: 'tenant' });
    const events = clientOf((baseUrl) => createGrpcTransport({ baseUrl })).buildBase({}, { headers: { authorization: `Bearer ${token}` } });
    const reading = (async () => {
      for await (const event of events) expect(event).toBeUndefined();
    })();
    expect(await refusal(reading)).toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  test('a document that is too long is refused with its limit', async () => {
    const long = await call('SetResource', JSON.stringify({ kind: 'recipe', name: 'a', document: 'x'.repeat(3 * 1024 * 1024) }));
    expect(await long.json()).toMatchObject({ code: 'invalid_argument', message: 'the document exceeds the 2 MiB limit' });
    expect((await call('WhoAmI', '{}')).status).toBe(200);
  });

  test.each([
    ['a path that is no URL', 'GET // HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', '404'],
    [
      'a host that is none',
      'POST /murmur.api.v1.MurmurService/WhoAmI HTTP/1.1\r\nhost: a b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
      '403',
    ],
    ['no host', 'POST /murmur.api.v1.MurmurService/WhoAmI HTTP/1.0\r\ncontent-length: 0\r\n\r\n', '400'],
    ['no HTTP', 'hello\r\n\r\n', '400'],
  ])('%s is refused and hurts nobody else', async (_, text, status) => {
    expect(await exchange(text)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await call('WhoAmI', '{}')).status).toBe(200);
  });

  test('health and metrics answer over HTTP/1.1', async () => {
    for (const path of ['/healthz', '/readyz', '/healthz?verbose=1']) {
      const response = await fetch(listener.url + path);
      expect([path, response.status, await response.text()]).toEqual([path, 200, 'ok\n']);
    }
    const verbose = await (await fetch(`${listener.url}/readyz?verbose`)).text();
    expect(verbose).toBe('ok\nsubstrate QEMU: available\nsubstrate DOCKER: not available: connect ENOENT /run/docker.sock\n');
    const head = await fetch(`${listener.url}/healthz`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await fetch(`${listener.url}/none`)).status).toBe(404);
    await call('GetResource', '{"kind": "recipe", "name": "none"}');
    const metrics = await (await fetch(`${listener.url}/metrics`)).text();
    expect(metrics).toContain('murmur_call_seconds_count{method="GetResource",code="NOT_FOUND"}');
    expect(metrics).not.toContain('local/default');
  });

  test('health and metrics answer over HTTP/2', async () => {
    const session = connectHttp2(listener.url);
    for (const [path, expected] of [
      ['/healthz', /^ok\n$/],
      ['/readyz', /^ok\n$/],
      ['/metrics', /murmur_call_seconds/],
    ] as const) {
      const stream = session.request({ ':path': path });
      let body = '';
      for await (const chunk of stream) body += String(chunk);
      expect(body).toMatch(expected);
    }
    session.close();
  });

  test('without its database the server lives, is not ready, and calls can be tried again', async () => {
    const away = connect(`postgresql://murmur@localhost/none?host=${dataDir}`);
    const alone = await serve(away.database);
    expect((await fetch(`${alone.url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${alone.url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, 'the database does not answer\n']);
    expect(await (await fetch(`${alone.url}/metrics`)).text()).toContain('process_resident_memory_bytes');
    const client = clientOf((baseUrl) => createGrpcTransport({ baseUrl }), alone.url);
    expect(await refusal(client.whoAmI({}, { headers }))).toMatchObject({
      code: 'UNAVAILABLE',
      message: "the server's database does not answer",
    });
    await alone.close();
    await away.close();
  });
});
