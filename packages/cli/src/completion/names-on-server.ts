import { Host_State } from '@murmur/api';

import type { Context } from '../context.js';

/** Someone is waiting with a finger on the Tab key. */
const timeoutMs = 800;

/**
 * The names of a kind's resources, the ids of recent runs, or the ids of hosts that are not retired; none when the server does
 * not answer quickly. A key pressed in a folder makes no call to a server that a file in that folder names.
 */
export async function namesOnServer(context: Context, kind: string): Promise<string[]> {
  try {
    if ((await context.settings()).namedBy === 'project') return [];
    const client = await context.connect();
    if (kind === 'run') return (await client.listBakes({ pageSize: 100 }, { timeoutMs })).bakes.map((bake) => bake.runId);
    if (kind === 'host') {
      const { hosts } = await client.listHosts({}, { timeoutMs });
      return hosts.filter(({ state }) => state !== Host_State.RETIRED).map(({ id }) => id);
    }
    return (await client.listResources({ kind, pageSize: 1000 }, { timeoutMs })).resources.map((resource) => resource.name);
  } catch {
    return [];
  }
}
