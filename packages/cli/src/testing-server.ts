import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServiceImpl } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { MurmurService } from '@murmur/api';

/** A Murmur API on a port of its own whose answers a test decides; calls it has no answer for are refused as unimplemented. */
export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** What each call carried as `Authorization` and `Murmur-Tenant`. */
  readonly seen: { readonly authorization: string | undefined; readonly tenant: string | undefined }[];
  /** Cuts every connection, as a crash would. */
  cut(): void;
  close(): Promise<void>;
}

/** Starts a {@link TestServer}; port 0 is any free one. */
export async function startTestServer(answers: Partial<ServiceImpl<typeof MurmurService>>, port = 0): Promise<TestServer> {
  const handler = connectNodeAdapter({ routes: (router) => router.service(MurmurService, answers) });
  const seen: TestServer['seen'] = [];
  const server: Server = createServer((request, response) => {
    const tenant = request.headers['murmur-tenant'];
    seen.push({ authorization: request.headers.authorization, tenant: Array.isArray(tenant) ? tenant[0] : tenant });
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = addressOf(server);
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    seen,
    cut: () => server.closeAllConnections(),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the test server has no port');
  return address;
}
