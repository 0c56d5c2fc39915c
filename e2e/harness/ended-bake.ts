import { insertRun } from '../../packages/server/src/bake/runs/testing-runs.js';
import { connectToDatabase } from './database.js';
import type { TestServer } from './server.js';

/** A bake that has failed with this error, without a machine for it. Returns its run's id. */
export async function setFailedBake(server: TestServer, recipe: string, error: string): Promise<string> {
  const connection = await connectToDatabase(server);
  try {
    const runId = await insertRun(connection.database, 'local/default', { recipe, phase: 'failed', ended_at: new Date(), executor: null });
    await connection.database
      .updateTable('runs')
      .set({ error, environment: 'murmur-qemu-small', placement: 'murmur-qemu-local' })
      .where('id', '=', runId)
      .execute();
    return runId;
  } finally {
    await connection.close();
  }
}
