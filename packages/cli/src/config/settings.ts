import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Surroundings } from '../context.js';
import { CliError, usageError } from '../failure.js';
import type { GlobalFlags } from '../global-flags.js';
import { readConfigFiles } from './config-files.js';
import { defaultDataDir } from './data-dir.js';
import { loginsFile, readLogin, type StoredLogin } from './logins.js';

/** Which server to talk to, as whom. */
export interface Settings {
  /** An origin without a slash at its end, such as `http://127.0.0.1:7007`. */
  readonly server: string;
  /** `provider/org`, when one is configured; otherwise the key alone decides. */
  readonly tenant: string | undefined;
  readonly apiKey: string | undefined;
  /** What `murmur auth login` has stored for the server; used when there is no API key. */
  readonly login?: { readonly file: string; readonly stored: StoredLogin } | undefined;
}

/** The address `murmur server` listens on unless told otherwise. */
const defaultServer = 'http://127.0.0.1:7007';

/**
 * The settings in force. Later wins: the project's files, the environment, the flags. With no key in any of them, the login
 * at that server is used; with none of those either, a server on this machine is reached with the admin key it left in its
 * data folder.
 */
export async function loadSettings(surroundings: Surroundings, globals: GlobalFlags): Promise<Settings> {
  const { env } = surroundings;
  const files = await readConfigFiles(surroundings.cwd);
  for (const warning of files.warnings) surroundings.stderr.write(`murmur: warning: ${warning}\n`);
  const server = serverOrigin(globals.server ?? present(env['MURMUR_SERVER']) ?? files.local.server ?? defaultServer);
  const tenant = globals.tenant ?? present(env['MURMUR_TENANT']) ?? files.shared.tenant;
  if (tenant !== undefined && !/^[a-z][a-z0-9_]*\/\S+$/.test(tenant)) {
    throw usageError(`tenant "${tenant}" is not of the form provider/org`, 'Tenants look like local/default or github_app/acme.');
  }
  const apiKey =
    (globals.apiKeyFile === undefined ? undefined : await keyIn(globals.apiKeyFile)) ??
    present(env['MURMUR_API_KEY']) ??
    files.local.apiKey;
  if (apiKey !== undefined) return { server, tenant, apiKey };
  const file = loginsFile(surroundings);
  const stored = await readLogin(file, server);
  if (stored !== undefined) return { server, tenant, apiKey, login: { file, stored } };
  return { server, tenant, apiKey: isLoopback(server) ? await adminKey(join(defaultDataDir(surroundings), 'admin.key')) : undefined };
}

/** Whether an address is this very machine. */
export function isLoopback(server: string): boolean {
  const { hostname } = new URL(server);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** An address as settings have it. Throws INVALID_ARGUMENT for what is no URL of a server. */
export function serverOrigin(written: string): string {
  const address = written.includes('://') ? written : `http://${written}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    throw usageError(`server address "${written}" is not a URL`, 'Write it like http://127.0.0.1:7007.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

async function keyIn(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new CliError('NOT_FOUND', `cannot read the API key file ${file}`, { cause, exitCode: 2 });
  }
}

/** The key, or undefined: without one the server itself says what is missing. */
async function adminKey(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').then(
    (content) => present(content.trim()),
    () => undefined,
  );
}

function present(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
