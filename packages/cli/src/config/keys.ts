import { join } from 'node:path';

import type { Surroundings } from '../surroundings.js';
import { changeEntry, readEntry, type ServerFile, userFolder } from './by-server.js';

/** The file with the API keys of this user, by server: `$XDG_CONFIG_HOME/murmur/keys.json`. */
export function keysFile(surroundings: Pick<Surroundings, 'env' | 'home'>): ServerFile<string> {
  return { file: join(userFolder(surroundings), 'keys.json'), isEntry: (value) => typeof value === 'string' };
}

/** The key for a server; undefined when there is none. */
export async function readKey(place: ServerFile<string>, server: string): Promise<string | undefined> {
  return readEntry(place, server);
}

/** Keeps a key for a server, or with undefined forgets it, and answers the one before. */
export async function replaceKey(place: ServerFile<string>, server: string, key: string | undefined): Promise<string | undefined> {
  let before: string | undefined;
  await changeEntry(place, server, async (current) => {
    before = current;
    return key;
  });
  return before;
}
