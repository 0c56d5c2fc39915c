import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { MurmurError } from '@murmur/api';

import { liveHosts } from './bake/hosts/live-hosts.js';
import { configurationFor } from './configuration/configuration.js';
import { createLog } from './create-log.js';
import { lockDataDir } from './host/data-dir-lock.js';
import type { Database } from './database/tables.js';
import { hostIdOf } from './host/host-id.js';
import { type Closers, closeAll, openDatabase, startOwnPostgres } from './open-database.js';
import { keyPlaces, takeKey } from './secrets/key-places.js';
import { type KeyPlaces, openKeyRing } from './secrets/key-ring.js';
import { rotateMasterKey, type Rotation } from './secrets/rotate.js';

/** How `murmur server rotate-key` is called. */
export interface RotateKeyOptions {
  readonly dataDir: string;
  /** Default: the embedded PostgreSQL in the data directory. */
  readonly databaseUrl?: string | undefined;
  /** The operator's configuration file, which says where the master key is. Default: `server.yaml` in the data directory. */
  readonly configFile?: string | undefined;
  /** The variable that holds the new key, when it is not to be a file. */
  readonly newKeyVariable?: string | undefined;
  /** The keys are taken out of it. */
  readonly environment: Record<string, string | undefined>;
}

/** What a rotation has done; a place is a file, or a variable as `$NAME`. */
export interface KeyRotation extends Pick<Rotation, 'from' | 'tenants' | 'retired'> {
  readonly to: { readonly id: string; readonly place: string };
}

/**
 * Puts a new master key in the place of the one in use while no server runs. May be called again after a crash.
 *
 * Throws FAILED_PRECONDITION when a server uses the data directory or the database, and for keys that do not fit the database.
 */
export async function rotateKey(options: RotateKeyOptions): Promise<KeyRotation> {
  const log = createLog({ MURMUR_LOG_LEVEL: 'warn', ...options.environment });
  const closers: Closers = [];
  try {
    const dataDir = resolve(options.dataDir);
    await checkDataDir(dataDir, options.databaseUrl);
    const { keyProvider } = await configurationFor(dataDir, options.configFile);
    const lock = await lockDataDir(dataDir);
    closers.push(() => lock.release());
    // Before anything is started that would inherit the variables.
    const newKey = options.newKeyVariable === undefined ? undefined : takeKey(options.newKeyVariable, options.environment);
    const places = keyPlaces(dataDir, keyProvider, options.environment);
    const url = options.databaseUrl ?? (await startOwnPostgres(dataDir, log, closers));
    const { database } = await openDatabase(url, log, closers);
    await refuseWhileServed(database, dataDir);
    if (newKey === undefined) await refuseNothing(database, places);
    const stages = rotateMasterKey({ ...places, database, newKey });
    for (;;) {
      const stage = await stages.next();
      if (stage.done === true) return stage.value;
      log.info(stage.value);
    }
  } finally {
    await closeAll(closers, log);
  }
}

/** A misspelt folder must not become a new server's. */
async function checkDataDir(dataDir: string, databaseUrl: string | undefined): Promise<void> {
  const needed = databaseUrl === undefined ? join(dataDir, 'postgres') : dataDir;
  try {
    await stat(needed);
  } catch (cause) {
    throw new MurmurError('FAILED_PRECONDITION', `${dataDir} is not the data directory of a server`, {
      cause,
      hint: 'Name it with `--data-dir`, and a database elsewhere with `--database-url`.',
    });
  }
}

/** A server on another data directory would go on wrapping new tenants' keys with the key it started with. */
async function refuseWhileServed(database: Database, dataDir: string): Promise<void> {
  const own = await hostIdOf(dataDir);
  const others = [...(await liveHosts(database))].filter((id) => id !== own);
  if (others.length === 0) return;
  throw new MurmurError('FAILED_PRECONDITION', 'another Murmur server uses this database', {
    hint: 'Stop every server of this database. One that was just stopped is seen for 20 seconds more.',
  });
}

/** With the key in the environment there is nothing to make: either another key has wrapped something, or a new one must be given. */
async function refuseNothing(database: Database, places: KeyPlaces): Promise<void> {
  if (places.environmentKey === undefined || (await openKeyRing(database, places)).others.length > 0) return;
  throw new MurmurError('INVALID_ARGUMENT', `the master key in ${places.environmentKey.place} has no successor`, {
    hint: 'Put a new key into another variable, and name that with `--new-key-variable`.',
  });
}
