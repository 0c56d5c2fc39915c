import { readFile } from 'node:fs/promises';

import { credentialIn } from './credential.js';
import type { PushTarget } from './push.js';

/** How the operator names the registry that gets what is baked. */
export interface RegistryChoice {
  readonly repository: string;
  readonly credentialFile?: string | undefined;
  readonly credentialEnv?: string | undefined;
}

/** Reads the registry's credential, and keeps it in memory. Rejects, without showing it, when it is not there or is none. */
export async function openRegistry({ credentialEnv, credentialFile, repository }: RegistryChoice): Promise<PushTarget> {
  if (credentialEnv === undefined && credentialFile === undefined) return { repository };
  const from = credentialFile ?? credentialEnv ?? '';
  const value = credentialFile === undefined ? process.env[from] : await readFile(from, 'utf8');
  if (value === undefined) throw new Error(`the variable ${from}, which has the registry's credential, is not set`);
  return { repository, credential: credentialIn(value, repository.slice(0, repository.indexOf('/')), from) };
}
