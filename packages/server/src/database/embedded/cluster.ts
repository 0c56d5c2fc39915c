import { mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import { isGone } from '../../host/process-start.js';
import { type Account, checkReach, commandAs, giveTo, letThrough } from './account.js';
import type { Binaries } from './binaries.js';
import { run } from './run.js';

const unfinished = 'postgres.unfinished-';

/**
 * Makes sure that `<dataDir>/postgres` holds a database cluster that these programs can open and this account owns, and
 * returns its path. A new one is made beside it and moved there when it is whole, so a half-made one is never opened.
 *
 * Throws FAILED_PRECONDITION for a cluster of another major version, or a folder that is something else.
 */
export async function prepareCluster(dataDir: string, binaries: Binaries, account: Account): Promise<string> {
  const cluster = path.join(dataDir, 'postgres');
  await removeUnfinished(dataDir);
  await letThrough(account, dataDir);
  const major = await readMajor(cluster);
  if (major === undefined) await createCluster(dataDir, cluster, binaries, account);
  else if (major !== binaries.major) {
    throw new MurmurError(
      'FAILED_PRECONDITION',
      `${cluster} was made by PostgreSQL ${major}, and this Murmur brings PostgreSQL ${binaries.major}`,
      {
        hint: `Start the version of Murmur that made it, or run PostgreSQL ${major} yourself and name it with \`--database-url\`.`,
      },
    );
  }
  await giveTo(account, cluster);
  await checkReach(account, binaries.postgres, cluster);
  return cluster;
}

async function createCluster(dataDir: string, cluster: string, binaries: Binaries, account: Account): Promise<void> {
  // Named anew each time: an initdb that outlived its server may still be writing to the last one.
  const folder = await mkdtemp(path.join(dataDir, unfinished));
  await giveTo(account, folder);
  await checkReach(account, binaries.postgres, folder);
  const command = commandAs(account, binaries.initdb, [
    `--pgdata=${folder}`,
    '--username=murmur',
    // Whoever can enter the socket's folder, which has mode 0700, is us or root. `peer` would add nothing, and inside a
    // user namespace it would be wrong: there every foreign id reads as the same overflow id, ours.
    '--auth-local=trust',
    '--auth-host=reject',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ]);
  await run(command.file, command.args, command.options);
  await rename(folder, cluster);
}

async function removeUnfinished(dataDir: string): Promise<void> {
  for (const entry of await readdir(dataDir)) {
    if (entry.startsWith(unfinished)) await rm(path.join(dataDir, entry), { recursive: true, force: true, maxRetries: 10 });
  }
}

async function readMajor(cluster: string): Promise<string | undefined> {
  try {
    return (await readFile(path.join(cluster, 'PG_VERSION'), 'utf8')).trim();
  } catch (error) {
    if (!isGone(error)) throw error;
    if (await isMissingOrEmpty(cluster)) return undefined;
    throw new MurmurError('FAILED_PRECONDITION', `${cluster} is not a PostgreSQL data directory`, {
      cause: error,
      hint: 'Move it away, or choose another `--data-dir`.',
    });
  }
}

async function isMissingOrEmpty(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0;
  } catch (error) {
    if (isGone(error)) return true;
    throw error;
  }
}
