import { chmod, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Surroundings } from '../surroundings.js';
import { CliError } from '../failure.js';
import { readOwnFile } from './own-file.js';
import { writePrivateFile } from './write-private-file.js';

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

type Logins = Readonly<Record<string, StoredLogin>>;

/** How long another process may take to renew a login, and after which time its lock counts as left behind, in milliseconds. */
const patienceMs = 60_000;
const pauseMs = 25;

/** A token that ends within so many seconds is not worth sending any more. */
const leastSeconds = 60;

/** Whether a login's token is still good for a call. */
export function isFresh({ expiresAt }: StoredLogin): boolean {
  return expiresAt - Date.now() / 1000 > leastSeconds;
}

/** The file with the logins of this user, by server: `$XDG_CONFIG_HOME/murmur/credentials.json`. */
export function loginsFile({ env, home }: Pick<Surroundings, 'env' | 'home'>): string {
  const configured = env['XDG_CONFIG_HOME'];
  return join(configured === undefined || configured === '' ? join(home, '.config') : configured, 'murmur', 'credentials.json');
}

/** The login at a server; undefined when there is none. */
export async function readLogin(file: string, server: string): Promise<StoredLogin | undefined> {
  const logins = await readLogins(file);
  return Object.hasOwn(logins, server) ? logins[server] : undefined;
}

/**
 * Puts another login in the place of a server's, or takes it away. Only one process changes the file at a time, also while
 * `change` waits for an issuer: a refresh token is good for one use, and its successor must not be lost.
 */
export async function changeLogin(
  file: string,
  server: string,
  change: (current: StoredLogin | undefined) => Promise<StoredLogin | undefined>,
): Promise<StoredLogin | undefined> {
  const unlock = await lock(file);
  try {
    const { [server]: current, ...others } = await readLogins(file);
    const next = await change(current);
    if (next !== current) {
      const logins: Logins = next === undefined ? others : { ...others, [server]: next };
      await writePrivateFile(file, `${JSON.stringify(logins, undefined, 2)}\n`);
    }
    return next;
  } finally {
    await unlock();
  }
}

async function readLogins(file: string): Promise<Logins> {
  const text = await readOwnFile(file);
  if (text === undefined) return {};
  try {
    const logins: unknown = JSON.parse(text);
    if (isLogins(logins)) return logins;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new CliError('FAILED_PRECONDITION', `${file} is damaged`, { hint: 'Remove it, and sign in again with: murmur auth login' });
}

function isLogins(value: unknown): value is Logins {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isLogin);
}

function isLogin(value: unknown): value is StoredLogin {
  if (typeof value !== 'object' || value === null) return false;
  const { issuer, clientId, idToken, expiresAt, refreshToken } = value as Partial<Record<keyof StoredLogin, unknown>>;
  const texts = [issuer, clientId, idToken, refreshToken ?? ''];
  return texts.every((text) => typeof text === 'string') && typeof expiresAt === 'number';
}

async function lock(file: string): Promise<() => Promise<void>> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // It may be older than this program, or made under another umask.
  await chmod(folder, 0o700);
  const lockFile = `${file}.lock`;
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      await (await open(lockFile, 'wx', 0o600)).close();
      return () => rm(lockFile, { force: true });
    } catch (cause) {
      if (!hasCode(cause, 'EEXIST')) throw cause;
      if (performance.now() > giveUpAt) {
        throw new CliError('ABORTED', `another process holds ${lockFile}`, { cause, hint: 'Remove that file if none does.' });
      }
      if (await isLeftBehind(lockFile)) await rm(lockFile, { force: true });
      else await delay(pauseMs);
    }
  }
}

async function isLeftBehind(lockFile: string): Promise<boolean> {
  const found = await stat(lockFile).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > patienceMs;
}

function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}
