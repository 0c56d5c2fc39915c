import {
  allowInsecureRequests,
  ClientError,
  type Configuration,
  type DeviceAuthorizationResponse,
  discovery,
  initiateDeviceAuthorization,
  None,
  pollDeviceAuthorizationGrant,
  refreshTokenGrant,
  ResponseBodyError,
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
  tokenRevocation,
} from 'openid-client';

import type { StoredLogin } from '../config/logins.js';
import { isOnThisMachine } from '../config/server-address.js';
import { CliError } from '../failure.js';

/** How long one request to an issuer may take, in seconds. */
const timeoutSeconds = 10;

/** An issuer, and the client that the command line is to it. */
export interface IssuerClient {
  readonly url: string;
  readonly clientId: string;
}

/** A sign-in that waits for a person with a browser. */
export interface DeviceSignIn {
  /** What to open in a browser. */
  readonly address: string;
  /** What to type in there, or to compare. */
  readonly code: string;
  /** How long there is to do it, in seconds. */
  readonly seconds: number;
  /** Waits until it is done. Rejects when it was refused, when time is over and when the signal is aborted. */
  finish(signal: AbortSignal): Promise<StoredLogin>;
}

/** An issuer whose addresses are known. */
export interface OpenIssuer {
  /** Begins a sign-in (RFC 8628). */
  signIn(scopes: readonly string[]): Promise<DeviceSignIn>;
  renew(refreshToken: string): Promise<StoredLogin>;
  /** Makes a refresh token worthless; answers false where the issuer has no way to. */
  revoke(refreshToken: string): Promise<boolean>;
}

/** Asks the issuer for its addresses. */
export async function openIssuer(client: IssuerClient): Promise<OpenIssuer> {
  const configuration = await discover(client);
  const toLogin = (tokens: TokenEndpointResponse & TokenEndpointResponseHelpers, before?: string) => loginOf(client, tokens, before);
  return {
    async signIn(scopes) {
      if (configuration.serverMetadata().device_authorization_endpoint === undefined) {
        throw new CliError('FAILED_PRECONDITION', `${client.url} offers no sign-in for devices`, {
          hint: 'Use an API key: murmur auth login --with-key',
        });
      }
      const response = await initiateDeviceAuthorization(configuration, { scope: scopes.join(' ') });
      return {
        address: response.verification_uri_complete ?? response.verification_uri,
        code: response.user_code,
        seconds: response.expires_in,
        finish: async (signal) => toLogin(await poll(configuration, response, signal)),
      };
    },
    renew: async (refreshToken) => toLogin(await refreshTokenGrant(configuration, refreshToken), refreshToken),
    async revoke(refreshToken) {
      if (configuration.serverMetadata().revocation_endpoint === undefined) return false;
      await tokenRevocation(configuration, refreshToken, { token_type_hint: 'refresh_token' });
      return true;
    },
  };
}

/** Whether the issuer did not answer, rather than answering no. */
export function isUnreachable(thrown: unknown): boolean {
  if (thrown instanceof ResponseBodyError) return thrown.status >= 500;
  // The second is an answer that no issuer gives, such as a proxy's.
  if (thrown instanceof ClientError) return thrown.code === 'OAUTH_TIMEOUT' || thrown.code === 'OAUTH_RESPONSE_IS_NOT_CONFORM';
  return thrown instanceof TypeError || (thrown instanceof Error && thrown.name === 'TimeoutError');
}

async function discover({ url, clientId }: IssuerClient): Promise<Configuration> {
  const isSafe = url.startsWith('https:') || isOnThisMachine(url);
  if (!isSafe) throw new CliError('FAILED_PRECONDITION', `the issuer ${url} is not https`, { hint: 'Ask the operator of the server.' });
  return discovery(new URL(url), clientId, undefined, None(), {
    timeout: timeoutSeconds,
    // oxlint-disable-next-line typescript/no-deprecated -- only marked so to stand out, and this issuer is on the loopback
    execute: url.startsWith('https:') ? [] : [allowInsecureRequests],
  });
}

async function poll(
  configuration: Configuration,
  response: DeviceAuthorizationResponse,
  signal: AbortSignal,
): Promise<TokenEndpointResponse & TokenEndpointResponseHelpers> {
  // Used below: Node collects a timeout that only a combined signal knows, and then it never comes.
  const limit = AbortSignal.timeout(response.expires_in * 1000);
  try {
    return await pollDeviceAuthorizationGrant(configuration, response, undefined, { signal: AbortSignal.any([signal, limit]) });
  } catch (cause) {
    signal.throwIfAborted();
    const answer = cause instanceof ResponseBodyError ? cause.error : cause instanceof ClientError ? cause.code : undefined;
    if (answer === 'access_denied') throw new CliError('PERMISSION_DENIED', 'the sign-in was refused', { cause });
    if (answer === 'expired_token' || limit.aborted)
      throw new CliError('DEADLINE_EXCEEDED', 'the sign-in took too long', { cause, hint: 'Try again.' });
    throw cause;
  }
}

function loginOf(
  { url, clientId }: IssuerClient,
  tokens: TokenEndpointResponse & TokenEndpointResponseHelpers,
  refreshTokenBefore: string | undefined,
): StoredLogin {
  const { id_token: idToken, refresh_token: refreshToken = refreshTokenBefore } = tokens;
  const expiresAt = tokens.claims()?.exp;
  if (idToken === undefined || expiresAt === undefined) {
    throw new CliError('UNAUTHENTICATED', `${url} gave no identity token`, { hint: 'Run `murmur auth login` to sign in again.' });
  }
  return { issuer: url, clientId, idToken, expiresAt, ...(refreshToken === undefined ? {} : { refreshToken }) };
}
