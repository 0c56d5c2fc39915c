import type { Context } from '../context.js';

/** Someone is waiting with a finger on the Tab key. */
const timeoutMs = 800;

/**
 * The names of a kind's resources, or the ids of recent runs; none when the server does not answer quickly. A key pressed in a
 * folder makes no call to a server that a file in that folder names.
 */
export async function namesOnServer(context: Context, kind: string): Promise<string[]> {
  try {
    if ((await context.settings()).namedBy === 'project') return [];
    const client = await context.connect();
    if (kind === 'run') return (await client.listBakes({ pageSize: 100 }, { timeoutMs })).bakes.map((bake) => bake.runId);
    return (await client.listResources({ kind, pageSize: 1000 }, { timeoutMs })).resources.map((resource) => resource.name);
  } catch {
    return [];
  }
}
