import { isFresh, type LoginPlace, readLogin, type StoredLogin } from '../config/logins.js';

/**
 * Hands out the identity token of a login, for as long as a command runs: one that is about to end is renewed first. Calls
 * that are made at the same time share one renewal.
 */
export function loginTokens(place: LoginPlace, first: StoredLogin): () => Promise<string> {
  let current = first;
  let renewal: Promise<StoredLogin> | undefined;
  return async () => {
    if (!isFresh(current)) {
      renewal ??= renewed(place).finally(() => {
        renewal = undefined;
      });
      current = await renewal;
    }
    return current.idToken;
  };
}

async function renewed(place: LoginPlace): Promise<StoredLogin> {
  // Another process may have done it. The machinery to do it ourselves is loaded only when it is needed.
  const stored = await readLogin(place.file, place.server);
  if (stored !== undefined && isFresh(stored)) return stored;
  return (await import('./renew-login.js')).renewLogin(place);
}
