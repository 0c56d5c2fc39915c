import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import { PLATFORM_TENANT } from '../catalog/context.js';
import type { Database } from '../database/tables.js';
import { writeAtomically } from '../host/durable-files.js';
import { createApiKey, revokeApiKey } from './api-keys.js';
import { authenticate } from './authenticate.js';

/** The tenant of a server that nobody has set up further. */
const FIRST_TENANT = 'local/default';

/**
 * Makes the two tenants every installation has, and the admin key of the second in `<dataDir>/admin.key` (mode 0600),
 * where the command line on this machine finds it. Run at every start: a key file that still opens the door is left alone,
 * unless others could read it: then its key is revoked and replaced.
 */
export async function ensureFirstTenant({ database, dataDir }: { database: Database; dataDir: string }): Promise<void> {
  await database
    .insertInto('tenants')
    .values([{ id: PLATFORM_TENANT }, { id: FIRST_TENANT }])
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  const file = path.join(dataDir, 'admin.key');
  const current = await liveKey(database, file);
  if (current !== undefined) {
    if (((await stat(file)).mode & 0o077) === 0) return;
    // Others could read it, and may have.
    await revokeApiKey(database, FIRST_TENANT, current);
  }
  // Row first: a crash in between leaves a key that nobody has, and the next start makes another. The other way round it
  // would leave a file that opens nothing until then.
  const key = await createApiKey(database, { tenant: FIRST_TENANT, subject: 'admin', reach: 'operator' });
  try {
    await writeAtomically(file, `${key.token}\n`);
  } catch (error) {
    await revokeApiKey(database, FIRST_TENANT, key.id);
    throw error;
  }
}

/** The id of the key in the file, if it is a valid admin key. */
async function liveKey(database: Database, file: string): Promise<string | undefined> {
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  try {
    const identity = await authenticate(database, `Bearer ${text.trim()}`);
    return identity.tenant === FIRST_TENANT && identity.operator ? identity.keyId : undefined;
  } catch (error) {
    if (error instanceof MurmurError && error.code === 'UNAUTHENTICATED') return undefined;
    throw error;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
