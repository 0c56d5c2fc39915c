import type { Database } from '../../database/tables.js';
import { newRunId } from '../starting/names.js';

/** Inserts a bare run of a tenant, held by executor `e` unless told otherwise, and returns its id. */
export async function insertRun(
  database: Database,
  tenant: string,
  changes: { id?: string; recipe?: string; phase?: string; ended_at?: Date; executor?: string | null; host?: string; inputs?: string } = {},
): Promise<string> {
  const id = changes.id ?? newRunId();
  await database
    .insertInto('runs')
    .values({
      id,
      tenant,
      recipe: 'r',
      environment: 'e',
      placement: 'p',
      image_hash: id,
      build_number: 1,
      image_name: `r-${id}`,
      artifact_name: `murmur-provision-${id}`,
      substrate: 'QEMU',
      scope: 'qemu-local',
      phase: 'queued',
      executor: 'e',
      inputs: JSON.stringify({}),
      author: 'tester',
      ...changes,
    })
    .execute();
  return id;
}

/** A log without what a run says of a long wait: whether one is long depends on how busy the machine is that tests run on. */
export function withoutWaits(log: string): string {
  return log.replaceAll(/^murmur: [^\n]*, [\dhm]+s so far\n/gm, '');
}
