import {
  type DescMethod,
  type DescMethodUnary,
  type DescMethodServerStreaming,
  type MessageInitShape,
  create,
  toJson,
} from '@bufbuild/protobuf';
import { createConnectTransport } from '@connectrpc/connect-node';
import { Architecture, ImageSchema, MurmurError, MurmurService } from '@murmur/api';
import { pino } from 'pino';

import { type ApiKeyRequest, createApiKey } from '../access/api-keys.js';
import { createIssuers } from '../access/oidc.js';
import { type TestIssuer, audience, startIssuer } from '@murmur/api/testing-issuer';
import { testRoom } from '../bake/room/testing.js';
import { createBakery } from '../bake/index.js';
import { writeBuiltins } from '../catalog/builtins.js';
import { testContext } from '../catalog/testing.js';
import { setResource } from '../catalog/verbs/index.js';
import { connect } from '../database/pool.js';
import { type TestDatabase, testDatabase } from '../database/testing.js';
import type { CallName } from './call-rules.js';
import { type ApiParts, serveApi } from './server.js';

/** How a call ended: its code and message, and all that was answered as JSON. */
export interface Answer {
  readonly code: string;
  readonly message: string;
  readonly body: string;
}

/** What a base build of the server does, beside making the image; a test may replace it. */
export interface TestBuild {
  run(signal: AbortSignal): Promise<void>;
}

/** What a call carries for its caller. */
export type CallHeaders = Readonly<Record<string, string>>;

/** A server of a test's own with the tenants `local/default`, `local/other` and `github_app/acme`, no substrates, and one issuer. */
export interface TestApi extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly url: string;
  /** Signs tokens whose holders are in `local/default`. */
  readonly issuer: TestIssuer;
  readonly build: TestBuild;
  /** How often the API has asked the database so far. */
  queries(): number;
  /** The headers of a caller with a new key; in `local/default` unless told otherwise. */
  signIn(subject: string, key?: Partial<ApiKeyRequest>): Promise<CallHeaders>;
  /** Binds permissions to a subject. */
  bind(tenant: string, subject: string, permissions: readonly string[], namePattern?: string): Promise<void>;
  /** Writes a resource, as the platform may. */
  set(tenant: string, kind: string, fields: Readonly<Record<string, unknown>> & { readonly name: string }): Promise<void>;
  call<Name extends CallName>(
    name: Name,
    request: MessageInitShape<(typeof MurmurService.method)[Name]['input']>,
    headers?: CallHeaders,
  ): Promise<Answer>;
}

/** Starts it. */
export async function startTestApi(options: Pick<ApiParts, 'wrongKeys' | 'refusals'> = {}): Promise<TestApi> {
  const log = pino({ level: process.env['MURMUR_LOG_LEVEL'] ?? 'silent' });
  const db = await testDatabase();
  const { database } = db;
  const ids = ['murmur/platform', 'local/default', 'local/other', 'github_app/acme'];
  await database
    .insertInto('tenants')
    .values(ids.map((id) => ({ id })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await writeBuiltins(database, { localSubstrates: ['QEMU'], localArchitecture: 'AMD64' });
  const { tenantKeys } = testContext(database, { tenant: 'local/default', subject: 'platform' });
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
  await bakery.launch();
  const issuer = await startIssuer();
  const source = { case: 'qemu', value: { diskDigest: `sha256:${'0'.repeat(64)}` } } as const;
  const served = connect(db.url);
  let queries = 0;
  served.pool.on('acquire', () => (queries += 1));
  const build: TestBuild = { run: async () => undefined };
  const listener = await serveApi('127.0.0.1:0', {
    database: served.database,
    tenantKeys,
    bakery,
    baseBuilders: [
      {
        imageName: 'murmur-qemu-base',
        async build({ signal }) {
          await build.run(signal);
          return create(ImageSchema, { name: 'murmur-qemu-base', architecture: Architecture.AMD64, source });
        },
      },
    ],
    issuers: createIssuers(
      [
        {
          issuer: issuer.url,
          audience,
          clientId: 'murmur-cli',
          scopes: ['openid'],
          tenant: { id: 'local/default' },
          subjectClaim: 'sub',
          subjectPrefix: '',
        },
      ],
      log,
    ),
    substrates: [],
    localTenants: [],
    recheckMs: 0,
    hosts: ['murmur.example.com'],
    ...options,
    version: '1.2.3',
    log,
  });
  const transport = createConnectTransport({ baseUrl: listener.url, httpVersion: '1.1' });

  const set: TestApi['set'] = async (tenant, kind, fields) => {
    const context = testContext(database, { tenant, subject: 'platform' });
    await setResource(context, { kind, name: fields.name, document: JSON.stringify(fields), fields: [] });
  };
  let bindings = 0;

  return {
    db,
    url: listener.url,
    issuer,
    build,
    queries: () => queries,
    async signIn(subject, key = {}) {
      const { token } = await createApiKey(database, { tenant: 'local/default', subject, reach: 'tenant', ...key });
      return { authorization: `Bearer ${token}` };
    },
    async bind(tenant, subject, permissions, namePattern) {
      bindings += 1;
      const name = `binding-${bindings}`;
      const only = namePattern === undefined ? {} : { name_pattern: namePattern };
      await set(tenant, 'tenant-binding', { name, users: [subject], permissions, ...only });
    },
    set,
    async call(name, request, headers = {}) {
      try {
        const messages = await exchange(MurmurService.method[name], request, headers);
        return { code: 'OK', message: '', body: JSON.stringify(messages) };
      } catch (thrown) {
        const { code, message } = MurmurError.from(thrown);
        return { code, message, body: '' };
      }
    },
    async [Symbol.asyncDispose]() {
      await listener.close();
      await bakery.shutdown();
      await issuer.close();
      await served.close();
      await db.close();
    },
  };

  async function exchange(method: DescMethod, request: MessageInitShape<DescMethod['input']>, headers: CallHeaders) {
    if (method.methodKind === 'unary') {
      const { message } = await transport.unary(method as DescMethodUnary, undefined, undefined, headers, request);
      return [toJson(method.output, message)];
    }
    const once = (async function* () {
      yield request;
    })();
    const stream = await transport.stream(method as DescMethodServerStreaming, undefined, undefined, headers, once);
    const messages: unknown[] = [];
    for await (const message of stream.message) messages.push(toJson(method.output, message));
    return messages;
  }
}
