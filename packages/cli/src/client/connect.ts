import { createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { MurmurService } from '@murmur/api';

import { noCredential, type Settings } from '../config/settings.js';
import { loginTokens } from './login-token.js';
import { requirePrivacy } from './require-privacy.js';

/** Murmur's API, called over HTTP. */
export type MurmurClient = Client<typeof MurmurService>;

/**
 * A client that says on every call who is asking, and in which tenant when one is configured. There is none for a server that
 * only a project's file names and nothing is stored for, nor by plain HTTP to another host unless that is asked for.
 */
export function createMurmurClient(settings: Settings): MurmurClient {
  const { server, tenant, apiKey, login } = settings;
  if (settings.namedBy === 'project' && apiKey === undefined && login === undefined) throw noCredential(settings);
  requirePrivacy(settings);
  const bearer = apiKey !== undefined || login === undefined ? async () => apiKey : loginTokens({ file: login.file, server }, login.stored);
  return createClient(
    MurmurService,
    createConnectTransport({
      baseUrl: server,
      httpVersion: '1.1',
      useBinaryFormat: true,
      // Compressing costs more than it saves on one machine, and an exported disk is far too large for it.
      acceptCompression: [],
      interceptors: [
        (next) => async (request) => {
          const token = await bearer();
          if (token !== undefined) request.header.set('Authorization', `Bearer ${token}`);
          if (tenant !== undefined) request.header.set('Murmur-Tenant', tenant);
          return next(request);
        },
      ],
    }),
  );
}
