import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';

/** A real OIDC provider on the loopback, whose keys a test can change, and where people sign in by device: any name is an account. */
export interface TestIssuer {
  readonly url: string;
  /** The paths asked for so far. */
  readonly asked: readonly string[];
  /** The public half of its key for an algorithm. */
  publicKey(algorithm: string): JWK;
  /** A token signed with its key: whatever the claims do not say is as it should be for {@link audience}. */
  token(claims?: Record<string, unknown>, header?: { alg?: string; kid?: string; typ?: string }): Promise<string>;
  /** Makes new keys, under new names. `keep` publishes the old ones too. */
  rotate(old: 'keep' | 'withdraw'): Promise<void>;
  /** What every request gets from now on; `undefined` is the provider itself again. */
  answerWith(answer: 'silence' | 'an error' | 'a broken connection' | undefined): void;
  close(): Promise<void>;
}

/** How an issuer differs from an ordinary one. */
export interface TestIssuerOptions {
  /** How long its identity tokens are good for, in seconds. */
  readonly lifetime?: number;
  /** Whether it gives refresh tokens and ends them on request. */
  readonly refresh?: 'yes' | 'no';
  /** Claims of everybody. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Whom the tokens are for that {@link TestIssuer.token} makes. */
export const audience = 'murmur-test';

/** The client that `murmur auth login` is to it. */
export const testClientId = 'murmur-cli';

/** The algorithms it has a key for. */
export const testAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

interface SigningKey {
  readonly jwk: JWK;
  readonly publicJwk: JWK;
  readonly key: CryptoKey;
}

/** Starts a provider at a free port. */
export async function startIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const asked: string[] = [];
  let answer: 'silence' | 'an error' | 'a broken connection' | undefined;
  let provider: ReturnType<Provider['callback']> | undefined;
  const server = createServer((request, response) => {
    if (answer === 'a broken connection') return request.destroy();
    const [path = ''] = (request.url ?? '').split('?');
    asked.push(path);
    if (answer === 'an error') response.writeHead(503).end('busy');
    else if (answer === undefined) void provider?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  let count = 0;
  let signing = new Map<string, SigningKey>();
  const rotate = async (old: 'keep' | 'withdraw'): Promise<void> => {
    count += 1;
    const kept = old === 'keep' ? [...signing.values()] : [];
    signing = new Map(await Promise.all(testAlgorithms.map(async (alg) => [alg, await newKey(alg, `${alg}-${count}`)] as const)));
    provider = providerOf(url, [...signing.values(), ...kept], options);
  };
  const keyFor = (algorithm: string): SigningKey => {
    const key = signing.get(algorithm);
    if (key === undefined) throw new Error(`no key for ${algorithm}`);
    return key;
  };
  await rotate('withdraw');
  return {
    url,
    asked,
    publicKey: (algorithm) => keyFor(algorithm).publicJwk,
    async token(claims = {}, { alg = 'RS256', ...header } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const { key, jwk } = keyFor(alg);
      const payload = { iss: url, aud: audience, sub: 'ana', iat: now, exp: now + 3600, ...claims };
      return new SignJWT(payload).setProtectedHeader({ alg, ...(jwk.kid === undefined ? {} : { kid: jwk.kid }), ...header }).sign(key);
    },
    rotate,
    answerWith(next) {
      answer = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function providerOf(
  url: string,
  keys: readonly SigningKey[],
  { claims = {}, lifetime = 3600, refresh = 'yes' }: TestIssuerOptions,
): ReturnType<Provider['callback']> {
  const provider = new Provider(url, {
    jwks: { keys: keys.map(({ jwk }) => jwk) },
    clients: [
      {
        client_id: testClientId,
        token_endpoint_auth_method: 'none',
        grant_types: [deviceGrant, 'refresh_token'],
        response_types: [],
        redirect_uris: [],
        application_type: 'native',
      },
    ],
    features: { deviceFlow: { enabled: true }, revocation: { enabled: refresh === 'yes' } },
    claims: { openid: ['sub', ...Object.keys(claims)] },
    findAccount: (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, ...claims }) }),
    issueRefreshToken: async () => refresh === 'yes',
    // Each is good for one use, as careful issuers have it.
    rotateRefreshToken: true,
    ttl: { IdToken: lifetime },
  });
  // So that nobody waits for five seconds to be asked again.
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path === '/device/auth' && ctx.status === 200) ctx.body = { ...(ctx.body as object), interval: 1 };
  });
  return provider.callback();
}

async function newKey(alg: string, kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const named = { alg, kid, use: 'sig' };
  return { key: privateKey, jwk: { ...(await exportJWK(privateKey)), ...named }, publicJwk: { ...(await exportJWK(publicKey)), ...named } };
}
