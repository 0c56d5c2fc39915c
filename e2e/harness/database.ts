import { postgresUrl } from '../../packages/server/src/database/embedded/url.js';
import { connect, type Connection } from '../../packages/server/src/database/pool.js';
import { openRuntimeDir } from '../../packages/server/src/database/runtime-dir.js';
import type { TestServer } from './server.js';

/** A connection to a running server's own database. */
export async function connectToDatabase(server: TestServer): Promise<Connection> {
  return connect(postgresUrl(await openRuntimeDir(server.dataDir), 'murmur'));
}
