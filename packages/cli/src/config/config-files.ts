import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { similarWord } from '@murmur/api/similar';

import { CliError } from '../failure.js';
import { readOwnFile, requireOwnFolder } from './own-file.js';

/** The folder a project keeps its Murmur configuration in. */
export const configFolder = '.murmur';

/** What a project shares with everyone who works on it: `.murmur/murmur.yaml`. */
export interface SharedConfig {
  readonly tenant?: string;
}

/** What stays on this machine: `.murmur/murmur.local.yaml`. */
export interface LocalConfig {
  readonly server?: string;
  readonly apiKey?: string;
}

/** Both files of the nearest `.murmur` folder that has one, and what to warn about. */
export interface ConfigFiles {
  /** The one that {@link local} came from. */
  readonly localFile: string | undefined;
  readonly shared: SharedConfig;
  readonly local: LocalConfig;
  readonly warnings: readonly string[];
}

/** Whether this folder lies in a working tree of git, where files are on their way to others. */
export async function isInGitTree(cwd: string): Promise<boolean> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (await exists(join(folder, '.git'))) return true;
    if (dirname(folder) === folder) return false;
  }
}

/** Finds `.murmur` in this folder or the nearest one above it; undefined when there is none. */
export async function findConfigFolder(cwd: string): Promise<string | undefined> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const candidate = join(folder, configFolder);
    for (const file of ['murmur.yaml', 'murmur.local.yaml']) if (await exists(join(candidate, file))) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

/** Reads the nearest configuration; a file that is not there counts as empty, and one that others could write is refused. */
export async function readConfigFiles(cwd: string): Promise<ConfigFiles> {
  const folder = await findConfigFolder(cwd);
  if (folder === undefined) return { localFile: undefined, shared: {}, local: {}, warnings: [] };
  await requireOwnFolder(folder);
  const sharedFile = join(folder, 'murmur.yaml');
  const localFile = join(folder, 'murmur.local.yaml');
  const shared = await readMapping(sharedFile, ['tenant', 'workspace']);
  const local = await readMapping(localFile, ['server', 'api_key']);
  return {
    localFile,
    shared: optional('tenant', tenantOf(sharedFile, shared['tenant'])),
    local: {
      ...optional('server', text(localFile, 'server', local['server'])),
      ...optional('apiKey', text(localFile, 'api_key', local['api_key'])),
    },
    warnings: local['api_key'] === undefined ? [] : await readableByOthers(localFile),
  };
}

async function readableByOthers(file: string): Promise<string[]> {
  const { mode } = await stat(file);
  return (mode & 0o077) === 0 ? [] : [`${file} holds an API key and others can read it; run: chmod 600 ${file}`];
}

async function readMapping(file: string, known: readonly string[]): Promise<Record<string, unknown>> {
  const content = await readOwnFile(file);
  if (content === undefined) return {};
  // Most folders have no configuration, so the parser is loaded only for those that do.
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(content);
  } catch (cause) {
    throw new CliError('INVALID_ARGUMENT', `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  if (value === null || value === undefined) return {};
  if (!isMapping(value)) throw new CliError('INVALID_ARGUMENT', `${file}: expected mapping`);
  for (const key of Object.keys(value)) if (!known.includes(key)) throw unknownKey(file, key, known);
  return value;
}

/** A misspelt key would be a setting that is not there. */
function unknownKey(file: string, key: string, known: readonly string[]): CliError {
  const meant = similarWord(key, known);
  const hint = meant === undefined ? `It takes ${known.join(' and ')}.` : `Did you mean ${meant}?`;
  return new CliError('INVALID_ARGUMENT', `${file}: unknown key "${key}"`, { hint });
}

function tenantOf(file: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isMapping(value)) throw new CliError('INVALID_ARGUMENT', `${file}: tenant: expected mapping of provider and org`);
  const provider = text(file, 'tenant.provider', value['provider']);
  const org = text(file, 'tenant.org', value['org']);
  if (provider === undefined || org === undefined) throw new CliError('INVALID_ARGUMENT', `${file}: tenant needs both provider and org`);
  return `${provider}/${org}`;
}

function text(file: string, path: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new CliError('INVALID_ARGUMENT', `${file}: ${path}: expected string`);
  return value;
}

function optional<Key extends string>(key: Key, value: string | undefined): { [K in Key]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: string });
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
