import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Provider } from 'oidc-provider';

/** A real OIDC provider on the loopback where people sign in by device, as themselves: any name is an account. */
export interface TestIssuer {
  readonly url: string;
  /** How often each endpoint was asked, by its path. */
  readonly asked: ReadonlyMap<string, number>;
  /** While it is away, nobody gets an answer from it. */
  away: boolean;
  close(): Promise<void>;
}

/** How a {@link TestIssuer} differs from an ordinary one. */
export interface TestIssuerOptions {
  /** How long its identity tokens are good for, in seconds. */
  readonly lifetime?: number;
  /** Whether it gives refresh tokens and ends them on request. */
  readonly refresh?: 'yes' | 'no';
  /** Claims of everybody. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The client that `murmur auth login` is to it. */
export const testClientId = 'murmur-cli';

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

/** Starts a provider at a free port. */
export async function startIssuer({ lifetime = 3600, refresh = 'yes', claims = {} }: TestIssuerOptions = {}): Promise<TestIssuer> {
  const asked = new Map<string, number>();
  const state = { away: false };
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const provider = new Provider(url, {
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
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (state.away) {
      request.destroy();
      return;
    }
    const [path = ''] = (request.url ?? '').split('?');
    asked.set(path, (asked.get(path) ?? 0) + 1);
    void answer(request, response);
  });
  return {
    url,
    asked,
    get away() {
      return state.away;
    },
    set away(value) {
      state.away = value;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What somebody does in the browser: opens the address, confirms the code, signs in under this name and agrees. */
export async function confirmInBrowser(address: string, name: string): Promise<void> {
  const cookies = new Map<string, string>();
  const visit = async (target: string, form?: URLSearchParams): Promise<{ at: string; page: string }> => {
    const response = await fetch(target, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([key, value]) => `${key}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '') cookies.delete(key);
      else cookies.set(key, value);
    }
    const next = response.headers.get('location');
    return next === null ? { at: target, page: await response.text() } : visit(new URL(next, target).href);
  };
  let { at, page } = await visit(address);
  for (let step = 0; step < 8; step += 1) {
    const action = /<form[^>]* action="([^"]*)"/.exec(page)?.[1];
    if (action === undefined) {
      if (/Sign-in Success/i.test(page)) return;
      throw new Error(`no way on from ${at}: ${page}`);
    }
    const form = new URLSearchParams();
    for (const [field] of page.matchAll(/<input[^>]*>/g)) {
      const key = /name="([^"]*)"/.exec(field)?.[1];
      if (key !== undefined) form.set(key, key === 'login' ? name : (/value="([^"]*)"/.exec(field)?.[1] ?? 'x'));
    }
    ({ at, page } = await visit(new URL(action, at).href, form));
  }
  throw new Error(`signing in does not end: ${page}`);
}
