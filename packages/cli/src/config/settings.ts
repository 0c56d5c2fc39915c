import type { ConnectionOptions } from '../client/connection-options.js';
import type { Surroundings } from '../surroundings.js';
import { CliError, usageError } from '../failure.js';
import type { GlobalFlags } from '../global-flags.js';
import { adminKeyFor } from './admin-key.js';
import { type ConfigFiles, readConfigFiles } from './config-files.js';
import { contextNamed, contextsFile, readContexts, type ServerContext } from './contexts.js';
import { keysFile, readKey } from './keys.js';
import { loginsFile, readLogin, type StoredLogin } from './logins.js';
import { readOwnFile } from './own-file.js';
import { defaultServer, serverOrigin } from './server-address.js';

/** Which server to talk to, as whom. */
export interface Settings {
  /** An origin without a slash at its end, such as `http://127.0.0.1:7007`. */
  readonly server: string;
  /** Who named it. What a project's file names may be anybody's: it gets that file's own key or a stored login, and nothing else. */
  readonly namedBy: 'user' | 'project' | 'nobody';
  /** `provider/org`, when one is configured; otherwise the key alone decides. */
  readonly tenant: string | undefined;
  readonly apiKey: string | undefined;
  /** What holds that key, if it was given and not found: it goes before a login. */
  readonly keyHolder?: '--api-key-file' | 'MURMUR_API_KEY' | '.murmur/murmur.local.yaml' | undefined;
  /** Where the credential was found, for people: the flag, the variable or the file; undefined when there is none. */
  readonly source?: string | undefined;
  /** What `murmur auth login` has stored for the server; used when there is no API key. */
  readonly login?: { readonly file: string; readonly stored: StoredLogin } | undefined;
  /** Whether plain HTTP to another host is what the user wants. */
  readonly insecure: boolean;
  /** How long one answer may take, in milliseconds; 0 is for ever. Streams take as long as they take. */
  readonly requestTimeoutMs: number;
  /** How connections are made, where the environment asks for a proxy or more authorities. */
  readonly connection?: ConnectionOptions | undefined;
}

/** Those for which the code that minds them is loaded. */
const connectionVariables = ['ssl_cert_file', 'http_proxy', 'https_proxy', 'all_proxy'];
const usualTimeoutMs = 60_000;

type Target = Pick<Settings, 'server' | 'namedBy'>;

/**
 * The settings in force. Later wins: the project's files, the environment, the flags. A credential goes to the server it
 * belongs to: a key of the environment or the flags to one that the user named (or nobody did), a project's key to the server
 * in the same file, a login to the server where it was made, the admin key of this machine to the address its server wrote
 * beside it.
 */
export async function loadSettings(surroundings: Surroundings, globals: GlobalFlags): Promise<Settings> {
  const { env, stderr } = surroundings;
  const files = await readConfigFiles(surroundings.cwd);
  for (const warning of files.warnings) stderr.write(`murmur: warning: ${warning}\n`);
  const chosen = await chosenContext(surroundings, globals);
  const target = targetOf(env, globals, files, chosen);
  const tenant =
    globals.tenant ??
    present(env['MURMUR_TENANT']) ??
    tenantOf(chosen.named, target) ??
    files.shared.tenant ??
    tenantOf(chosen.current, target);
  if (tenant !== undefined && !/^[a-z][a-z0-9_]*\/\S+$/.test(tenant)) {
    throw usageError(`tenant "${tenant}" is not of the form provider/org`, 'Tenants look like local/default or github_app/acme.');
  }
  const settings = {
    ...target,
    tenant,
    insecure: globals.insecure === true,
    requestTimeoutMs: await timeoutOf(globals.requestTimeout),
    ...(connectionVariables.some((name) => present(env[name]) !== undefined || present(env[name.toUpperCase()]) !== undefined)
      ? { connection: await (await import('../client/connection-options.js')).connectionOptions(env, target.server) }
      : {}),
  };
  const { apiKey, keyHolder, source, unused } = await keyFor(env, globals, files, target);
  if (unused !== undefined) stderr.write(`murmur: warning: ${unused} is not used: it was not given for ${target.server}\n`);
  if (apiKey !== undefined) return { ...settings, apiKey, keyHolder, source };
  const keys = keysFile(surroundings);
  const ownKey = await readKey(keys, target.server);
  if (ownKey !== undefined) return { ...settings, apiKey: ownKey, source: keys.file };
  const file = loginsFile(surroundings);
  const stored = await readLogin(file, target.server);
  if (stored !== undefined) return { ...settings, apiKey, login: { file, stored }, source: `the login in ${file}` };
  if (target.namedBy === 'project') return { ...settings, apiKey };
  const admin = await adminKeyFor(surroundings, target.server);
  return { ...settings, apiKey: admin?.key, source: admin?.file };
}

/** A server that only a project's file names gets no credential that was meant for another. */
export function noCredential({ server }: Target): CliError {
  return new CliError('UNAUTHENTICATED', `no credential for ${server}; run "murmur auth login --server ${server}"`, {
    hint: 'A file of this project names that server. Do so only if you know it.',
  });
}

/** A context's tenant is one of its own server. */
function tenantOf(context: ServerContext | undefined, { server }: Target): string | undefined {
  return context !== undefined && serverOrigin(context.server) === server ? context.tenant : undefined;
}

interface ChosenContext {
  /** The one that a flag or the environment names. */
  readonly named: ServerContext | undefined;
  /** The one in use where nothing else names a server. */
  readonly current: ServerContext | undefined;
}

async function chosenContext(surroundings: Surroundings, globals: GlobalFlags): Promise<ChosenContext> {
  const contexts = await readContexts(contextsFile(surroundings));
  const name = globals.context ?? present(surroundings.env['MURMUR_CONTEXT']);
  const { current } = contexts;
  return {
    named: name === undefined ? undefined : contextNamed(contexts, name),
    current: current === undefined ? undefined : contextNamed(contexts, current),
  };
}

function targetOf(env: Surroundings['env'], globals: GlobalFlags, { local }: ConfigFiles, { current, named }: ChosenContext): Target {
  const own = globals.server ?? (globals.context === undefined ? present(env['MURMUR_SERVER']) : undefined) ?? named?.server;
  if (own !== undefined) return { server: serverOrigin(own), namedBy: 'user' };
  if (local.server !== undefined) return { server: serverOrigin(local.server), namedBy: 'project' };
  if (current !== undefined) return { server: serverOrigin(current.server), namedBy: 'user' };
  return { server: defaultServer, namedBy: 'nobody' };
}

type Key = Pick<Settings, 'keyHolder' | 'source'> & Partial<Pick<Settings, 'apiKey'>>;

/** The API key that belongs to the server, and what holds one that does not. */
async function keyFor(
  env: Surroundings['env'],
  globals: GlobalFlags,
  { local, localFile }: ConfigFiles,
  { server, namedBy }: Target,
): Promise<Key & { readonly unused?: string }> {
  const key = present(env['MURMUR_API_KEY']);
  const isKept = local.apiKey !== undefined && serverOrigin(local.server ?? defaultServer) === server;
  const kept: Key = isKept ? { apiKey: local.apiKey, keyHolder: '.murmur/murmur.local.yaml', source: localFile } : {};
  if (namedBy === 'project') {
    if (globals.apiKeyFile !== undefined) return { ...kept, unused: '--api-key-file' };
    return { ...kept, ...(key === undefined ? {} : { unused: 'MURMUR_API_KEY' }) };
  }
  if (globals.apiKeyFile !== undefined) {
    return { apiKey: await keyIn(globals.apiKeyFile), keyHolder: '--api-key-file', source: `--api-key-file ${globals.apiKeyFile}` };
  }
  if (key === undefined) return kept;
  // Set together, the two belong together: a flag that names another server does not take the key along.
  const pair = present(env['MURMUR_SERVER']);
  if (pair !== undefined && serverOrigin(pair) !== server) return { ...kept, unused: 'MURMUR_API_KEY' };
  return { apiKey: key, keyHolder: 'MURMUR_API_KEY', source: 'MURMUR_API_KEY' };
}

async function timeoutOf(written: string | undefined): Promise<number> {
  if (written === undefined) return usualTimeoutMs;
  const { parseDuration } = await import('@murmur/api');
  const nanoseconds = parseDuration(written);
  if (nanoseconds === undefined || nanoseconds < 0n) {
    throw usageError(`--request-timeout "${written}" is not a duration`, 'Write it like 10s or 2m; 0 waits for ever.');
  }
  // The longest that a timer of Node can wait for.
  return Math.min(Number(nanoseconds / 1_000_000n), 2 ** 31 - 1);
}

async function keyIn(file: string): Promise<string> {
  const key = await readOwnFile(file);
  if (key === undefined) throw new CliError('NOT_FOUND', `cannot read the API key file ${file}`, { exitCode: 2 });
  return key.trim();
}

function present(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
