import { join } from 'node:path';

import type { Surroundings } from '../surroundings.js';

/** Where a server keeps its data when nobody says otherwise; a client on the same machine looks for its admin key there. */
export function defaultDataDir({ env, home, isRoot }: Pick<Surroundings, 'env' | 'home' | 'isRoot'>): string {
  if (isRoot) return '/var/lib/murmur';
  const shared = env['XDG_DATA_HOME'];
  return join(shared === undefined || shared === '' ? join(home, '.local', 'share') : shared, 'murmur');
}
