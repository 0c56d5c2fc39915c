import { postgresUrl } from './embedded/url.js';
import { connect, type Connection } from './pool.js';
import { openRuntimeDir } from '../host/runtime-dir.js';

/** A connection to the embedded PostgreSQL of the server that runs over this data folder: for tests and benchmarks. */
export async function connectToServerOf(dataDir: string): Promise<Connection> {
  return connect(postgresUrl(await openRuntimeDir(dataDir), 'murmur'));
}
