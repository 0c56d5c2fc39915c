import { type Client, Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { MurmurService } from '@murmur/api';
import { QueryClient } from '@tanstack/react-query';

import { onSession, session, signOut } from './session.js';

/** Sends the session's credential along, and ends a session whose credential is worthless. */
const credential: Interceptor = (next) => async (request) => {
  const used = session();
  if (used !== undefined) request.header.set('authorization', `Bearer ${used.token}`);
  try {
    return await next(request);
  } catch (error) {
    // A code that is not good says nothing of who is signed in.
    if (request.method !== MurmurService.method.redeemSignInCode) endIfWorthless(error, used?.token);
    throw error;
  }
};

/** Signs out when this error says that the credential is not taken any more. */
export function endIfWorthless(error: unknown, token: string | undefined): void {
  const isRefused = error instanceof ConnectError && error.code === Code.Unauthenticated;
  if (isRefused && token !== undefined && session()?.token === token) {
    signOut('Your session has ended: the server does not take its key any more. It may have been revoked, or have expired.');
  }
}

/** How the API is reached. */
export const transport = createConnectTransport({
  baseUrl: window.location.origin,
  useBinaryFormat: true,
  interceptors: [credential],
});

/** The API, for what is not a query of a page. */
export const api: Client<typeof MurmurService> = createClient(MurmurService, transport);

/** What trying again may mend. */
const passing = [Code.Unavailable, Code.Unknown, Code.DeadlineExceeded, Code.Internal];

/** What pages have asked for. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      retry: (count, error) => count < 3 && error instanceof ConnectError && passing.includes(error.code),
      retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 5000),
    },
    mutations: { retry: false },
  },
});

// What one person may see is not the next one's.
onSession(() => queries.clear());
