import { useSyncExternalStore } from 'react';

/** Who is signed in: a credential, and how it came. */
export interface Session {
  readonly token: string;
  /** The issuer of an identity token; absent for an API key. */
  readonly issuer?: string;
}

const key = 'murmur.session';
const listeners = new Set<() => void>();
let current = stored();
let farewell = '';

/** The session there is; undefined before somebody signs in. */
export function session(): Session | undefined {
  return current;
}

/** Signs in: the credential stays in memory and in this tab's own storage, which ends with the tab. */
export function signIn(next: Session): void {
  farewell = '';
  sessionStorage.setItem(key, JSON.stringify(next));
  change(next);
}

/** Forgets the credential. The reason is shown where people sign in again. */
export function signOut(reason = ''): void {
  farewell = reason;
  sessionStorage.removeItem(key);
  change(undefined);
}

/** Why the last session ended, when its holder did not end it. */
export function lastFarewell(): string {
  return farewell;
}

/** Calls back whenever somebody signs in or out. */
export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The session, as it changes. */
export function useSession(): Session | undefined {
  return useSyncExternalStore(onSession, session);
}

function change(next: Session | undefined): void {
  current = next;
  for (const listener of listeners) listener();
}

function stored(): Session | undefined {
  const text = sessionStorage.getItem(key);
  if (text === null) return undefined;
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('token' in value) || typeof value.token !== 'string') return undefined;
  return { token: value.token, ...('issuer' in value && typeof value.issuer === 'string' ? { issuer: value.issuer } : {}) };
}
