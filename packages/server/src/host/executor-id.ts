import { createHash } from 'node:crypto';
import { hostname } from 'node:os';

/** How the server on a data directory is called in the database, the same at every start. */
export function executorIdOf(dataDir: string): string {
  return createHash('sha256').update(`${hostname()}\n${dataDir}`).digest('hex').slice(0, 12);
}
