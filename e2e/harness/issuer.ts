import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Provider } from 'oidc-provider';

/** A real OIDC provider on the loopback, where people sign in in a browser as whoever they say they are. */
export interface SignInIssuer {
  readonly url: string;
  /** What `server.yaml` says of it. */
  readonly configuration: string;
  close(): Promise<void>;
}

/** Starts a provider at a free port. */
export async function startSignInIssuer(): Promise<SignInIssuer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const provider = new Provider(url, {
    clients: [
      {
        client_id: 'murmur-web',
        token_endpoint_auth_method: 'none',
        // The port of a native client on the loopback is whatever it has got (RFC 8252, section 7.3).
        application_type: 'native',
        redirect_uris: ['http://127.0.0.1/sign-in/callback'],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    pkce: { required: () => true },
    clientBasedCORS: () => true,
    findAccount: (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  });
  const answer = provider.callback();
  server.on('request', (request, response) => void answer(request, response));
  return {
    url,
    configuration: `oidc:\n  - issuer: ${url}\n    client_id: murmur-web\n    tenant: local/default\n`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
