import { changeLogin, isFresh, type LoginPlace, type StoredLogin } from '../config/logins.js';
import { CliError } from '../failure.js';
import { isUnreachable, openIssuer } from './issuer.js';

/** Gets the next identity token with the refresh token and stores both. Throws UNAUTHENTICATED when the issuer gives none. */
export async function renewLogin({ file, server }: LoginPlace): Promise<StoredLogin> {
  const renewed = await changeLogin(file, server, async (current) => {
    // It may have been renewed, or forgotten, while we waited for our turn.
    if (current === undefined || isFresh(current)) return current;
    try {
      return await nextOf(current);
    } catch (thrown) {
      // What is left of the old token will do for this call.
      if (current.expiresAt > Date.now() / 1000) return current;
      throw thrown;
    }
  });
  if (renewed === undefined) throw signInAgain();
  return renewed;
}

async function nextOf({ issuer: url, clientId, refreshToken }: StoredLogin): Promise<StoredLogin> {
  if (refreshToken === undefined) throw signInAgain();
  try {
    return await (await openIssuer({ url, clientId })).renew(refreshToken);
  } catch (cause) {
    if (!isUnreachable(cause)) throw cause instanceof CliError ? cause : signInAgain(cause);
    throw new CliError('UNAVAILABLE', `cannot reach ${url} to renew your login`, { cause, hint: 'Try again in a moment.' });
  }
}

function signInAgain(cause?: unknown): CliError {
  return new CliError('UNAUTHENTICATED', 'identity token is missing or expired', {
    cause,
    hint: 'Run `murmur auth login` to sign in again.',
  });
}
