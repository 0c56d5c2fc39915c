import { connect, type Connection } from '../../packages/server/src/database/pool.js';
import { connectToServerOf } from '../../packages/server/src/database/testing-connection.js';
import type { TestServer } from './server.js';

/** A connection to a running server's database. */
export async function connectToDatabase(server: TestServer): Promise<Connection> {
  return server.databaseUrl === undefined ? connectToServerOf(server.dataDir) : connect(server.databaseUrl);
}
