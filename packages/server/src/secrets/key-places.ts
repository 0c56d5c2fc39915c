import path from 'node:path';

import { openEnvKey } from './key-provider.js';
import type { KeyPlaces } from './key-ring.js';

/** What the operator has said about where the master key is; undefined for `master.key` in the data directory. */
export type KeySource = { readonly file: string } | { readonly env: string } | undefined;

/**
 * Where a server's master keys are. One in the environment is taken out of there, so that no process the server starts
 * inherits it.
 *
 * Throws FAILED_PRECONDITION for a variable that holds no key.
 */
export function keyPlaces(dataDir: string, source: KeySource, environment: Record<string, string | undefined>): KeyPlaces {
  const file = source !== undefined && 'file' in source ? source.file : path.join(dataDir, 'master.key');
  if (source === undefined || 'file' in source) return { file };
  return { file, environmentKey: takeKey(source.env, environment) };
}

/** The key in a variable, which is taken out of the environment. */
export function takeKey(variable: string, environment: Record<string, string | undefined>): ReturnType<typeof openEnvKey> {
  const key = openEnvKey(variable, environment[variable]);
  delete environment[variable];
  return key;
}
