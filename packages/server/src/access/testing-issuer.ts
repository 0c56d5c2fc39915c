import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';

/** A real OIDC provider on the loopback whose keys a test can change. */
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
  answerWith(answer: 'silence' | 'an error' | undefined): void;
  close(): Promise<void>;
}

/** Whom the tokens are for. */
export const audience = 'murmur-test';

interface SigningKey {
  readonly jwk: JWK;
  readonly publicJwk: JWK;
  readonly key: CryptoKey;
}

/** The algorithms it has a key for. */
export const testAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;

/** Starts a provider at a free port. */
export async function startIssuer(): Promise<TestIssuer> {
  const asked: string[] = [];
  let answer: 'silence' | 'an error' | undefined;
  let provider: ReturnType<Provider['callback']> | undefined;
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
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
    provider = new Provider(url, { jwks: { keys: [...signing.values(), ...kept].map(({ jwk }) => jwk) } }).callback();
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

async function newKey(alg: string, kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const named = { alg, kid, use: 'sig' };
  return { key: privateKey, jwk: { ...(await exportJWK(privateKey)), ...named }, publicJwk: { ...(await exportJWK(publicKey)), ...named } };
}
