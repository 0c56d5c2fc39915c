import { join } from 'node:path';

import type { Surroundings } from '../surroundings.js';
import { changeEntry, readEntry, userFolder } from './by-server.js';

/** What signing in to one server with an issuer has left. */
export interface StoredLogin {
  readonly issuer: string;
  readonly clientId: string;
  /** What calls carry. */
  readonly idToken: string;
  /** When that ends, in seconds since 1970. */
  readonly expiresAt: number;
  /** What gets the next one; some issuers give none. */
  readonly refreshToken?: string;
}

/** Where a login is kept, and the server it is for. */
export interface LoginPlace {
  readonly file: string;
  readonly server: string;
}

/** A token that ends within so many seconds is not worth sending any more. */
const leastSeconds = 60;

/** Whether a login's token is still good for a call. */
export function isFresh({ expiresAt }: StoredLogin): boolean {
  return expiresAt - Date.now() / 1000 > leastSeconds;
}

/** The file with the logins of this user, by server: `$XDG_CONFIG_HOME/murmur/credentials.json`. */
export function loginsFile(surroundings: Pick<Surroundings, 'env' | 'home'>): string {
  return join(userFolder(surroundings), 'credentials.json');
}

/** The login at a server; undefined when there is none. */
export async function readLogin(file: string, server: string): Promise<StoredLogin | undefined> {
  return readEntry({ file, isEntry: isLogin }, server);
}

/**
 * Puts another login in the place of a server's, or takes it away. Only one process does so at a time, also while
 * `change` waits for an issuer: a refresh token is good for one use, and its successor must not be lost.
 */
export async function changeLogin(
  file: string,
  server: string,
  change: (current: StoredLogin | undefined) => Promise<StoredLogin | undefined>,
): Promise<StoredLogin | undefined> {
  return changeEntry({ file, isEntry: isLogin }, server, change);
}

function isLogin(value: unknown): value is StoredLogin {
  if (typeof value !== 'object' || value === null) return false;
  const { issuer, clientId, idToken, expiresAt, refreshToken } = value as Partial<Record<keyof StoredLogin, unknown>>;
  const texts = [issuer, clientId, idToken, refreshToken ?? ''];
  return texts.every((text) => typeof text === 'string') && typeof expiresAt === 'number';
}
