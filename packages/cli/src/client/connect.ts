import { createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { MurmurService } from '@murmur/api';

import { CliError } from '../failure.js';
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
  const { server, tenant, apiKey, connection, login, requestTimeoutMs } = settings;
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
      ...(connection === undefined ? {} : { nodeOptions: connection }),
      interceptors: [
        (next) => async (request) => {
          const token = await bearer();
          if (token !== undefined) request.header.set('Authorization', `Bearer ${token}`);
          if (tenant !== undefined) request.header.set('Murmur-Tenant', tenant);
          return request.stream || requestTimeoutMs === 0 ? next(request) : within(requestTimeoutMs, server, request, next);
        },
      ],
    }),
  );
}

/** A call that takes one answer, given up when that does not come. */
async function within<Request extends { readonly signal: AbortSignal }, Answer>(
  limitMs: number,
  server: string,
  request: Request,
  next: (request: Request) => Promise<Answer>,
): Promise<Answer> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), limitMs);
  try {
    return await next({ ...request, signal: AbortSignal.any([request.signal, limit.signal]) });
  } catch (thrown) {
    if (!limit.signal.aborted) throw thrown;
    throw new CliError('DEADLINE_EXCEEDED', `no answer from ${server} within ${limitMs / 1000} s`, {
      cause: thrown,
      hint: 'It may have done what was asked all the same. Wait longer with --request-timeout.',
    });
  } finally {
    clearTimeout(timer);
  }
}
