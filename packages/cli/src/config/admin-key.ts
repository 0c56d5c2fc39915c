import { join } from 'node:path';

import type { Surroundings } from '../surroundings.js';
import { defaultDataDir } from './data-dir.js';
import { readOwnFile } from './own-file.js';

/**
 * The key that a server on this machine left in the default data folder, when it is for this address: the server writes
 * beside it where it answers, and whoever else listens on a port of this machine gets no key. Without one the server itself
 * says what is missing.
 */
export async function adminKeyFor(
  surroundings: Pick<Surroundings, 'env' | 'home' | 'isRoot'>,
  server: string,
): Promise<{ readonly key: string; readonly file: string } | undefined> {
  const folder = defaultDataDir(surroundings);
  const addresses = await readOwnFile(join(folder, 'admin.address'), 'skip what is closed');
  if (addresses === undefined || !addresses.split('\n').includes(server)) return undefined;
  const file = join(folder, 'admin.key');
  const key = (await readOwnFile(file, 'skip what is closed'))?.trim();
  return key === undefined || key === '' ? undefined : { key, file };
}
