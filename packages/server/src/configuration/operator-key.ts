import { MurmurError } from '@murmur/api';

import { findKeyFile, openEnvKey, type PlacedKeyProvider } from '../secrets/key-provider.js';
import type { KeyProviderConfig } from './configuration.js';

/**
 * The master key where the operator keeps it; undefined when that is left to the data directory. It is never made here: an
 * operator who says where it is has one.
 *
 * Throws FAILED_PRECONDITION when there is none, or it cannot be used.
 */
export async function openOperatorKey(
  config: KeyProviderConfig | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<PlacedKeyProvider | undefined> {
  if (config === undefined) return undefined;
  if ('env' in config) return openEnvKey(config.env, env[config.env]);
  const key = await findKeyFile(config.file);
  if (key !== undefined) return key;
  throw new MurmurError('FAILED_PRECONDITION', `${config.file} is to hold the master key and does not exist`, {
    hint: 'Make one with `openssl rand -out FILE 32` and mode 0600, or put back the one that belongs to this database.',
  });
}
