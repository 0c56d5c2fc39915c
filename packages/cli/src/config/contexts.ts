import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Surroundings } from '../surroundings.js';
import { CliError, usageError } from '../failure.js';
import { userFolder } from './by-server.js';
import { readOwnFile } from './own-file.js';
import { writePrivateFile } from './write-private-file.js';

/** A server and a tenant under a name of the user's. */
export interface ServerContext {
  readonly server: string;
  readonly tenant?: string;
}

/** All of a user's contexts, and the one that is used where nothing else names a server. */
export interface Contexts {
  readonly current?: string;
  readonly contexts: Readonly<Record<string, ServerContext>>;
}

/** The file with this user's contexts: `$XDG_CONFIG_HOME/murmur/contexts.json`. */
export function contextsFile(surroundings: Pick<Surroundings, 'env' | 'home'>): string {
  return join(userFolder(surroundings), 'contexts.json');
}

/** The user's contexts; none when there is no file. */
export async function readContexts(file: string): Promise<Contexts> {
  const text = await readOwnFile(file);
  if (text === undefined) return { contexts: {} };
  try {
    const value: unknown = JSON.parse(text);
    if (isContexts(value)) return value;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new CliError('FAILED_PRECONDITION', `${file} is damaged`, {
    hint: 'Remove it, and add your contexts again with: murmur context add',
  });
}

/** Writes them all. */
export async function writeContexts(file: string, contexts: Contexts): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writePrivateFile(file, `${JSON.stringify(contexts, undefined, 2)}\n`);
}

/** The context of a name. Throws for one that there is none of. */
export function contextNamed({ contexts }: Contexts, name: string): ServerContext {
  const found = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (found === undefined) throw usageError(`there is no context "${name}"`, 'See all of them with: murmur context ls');
  return found;
}

function isContexts(value: unknown): value is Contexts {
  if (typeof value !== 'object' || value === null) return false;
  const { contexts, current = '' } = value as { contexts?: unknown; current?: unknown };
  return typeof current === 'string' && typeof contexts === 'object' && contexts !== null && Object.values(contexts).every(isContext);
}

function isContext(value: unknown): value is ServerContext {
  if (typeof value !== 'object' || value === null) return false;
  const { server, tenant = '' } = value as { server?: unknown; tenant?: unknown };
  return typeof server === 'string' && typeof tenant === 'string';
}
