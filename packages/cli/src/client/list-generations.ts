import type { Generation } from '@murmur/api';

import type { MurmurClient } from './connect.js';

const maxPageSize = 100;

/** The generations of a resource, newest first, page by page: all of them, or the newest few. */
export async function* listGenerations(client: MurmurClient, kind: string, name: string, limit = Infinity): AsyncGenerator<Generation> {
  let left = limit;
  for (let pageToken = ''; left > 0;) {
    const page = await client.listGenerations({ kind, name, pageSize: Math.min(left, maxPageSize), pageToken });
    yield* page.generations;
    left -= page.generations.length;
    pageToken = page.nextPageToken;
    if (pageToken === '') return;
  }
}
