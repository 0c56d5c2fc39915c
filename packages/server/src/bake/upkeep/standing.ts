import { sql } from 'kysely';

import type { Database } from '../../database/tables.js';
import type { OwnedThing } from '../../substrates/substrate.js';
import type { RunRow } from '../runs/runs.js';
import { liveHosts } from '../hosts/live-hosts.js';
import { isUnknownForLong } from './unknown.js';

/**
 * Whose a thing outside is: `owned` by a live run, a kept machine, a trial or the substrate itself; `registered`, an image that
 * is in the catalog and whose substrate has not heard of that yet; or `leftover`.
 */
export type Standing = 'owned' | 'registered' | 'leftover';

/** Whose a thing is by the database. */
export async function standingOf(database: Database, thing: OwnedThing): Promise<Standing> {
  const { attempt, runId } = partsOf(thing);
  // Half-made base images and the like are the substrate's own affair.
  if (runId === undefined) return 'owned';
  const run = await database
    .selectFrom('runs')
    .selectAll()
    .select(sql<boolean>`coalesce(kept_until > now(), false)`.as('is_kept'))
    .where('id', '=', runId)
    .executeTakeFirst();
  if (run !== undefined) return standingInRun(database, run, thing, attempt);
  const trial = await database.selectFrom('trials').select('executor').where('id', '=', runId).executeTakeFirst();
  if (trial !== undefined) return isHeld(await liveHosts(database), trial) ? 'owned' : 'leftover';
  return runId.startsWith('try-') || (await isUnknownForLong(database, thing.token)) ? 'leftover' : 'owned';
}

async function standingInRun(
  database: Database,
  run: RunRow & { is_kept: boolean },
  thing: OwnedThing,
  attempt: number,
): Promise<Standing> {
  if (run.ended_at === null) return attempt >= run.attempt ? 'owned' : 'leftover';
  // A snapshot belongs to the image that was made of it.
  if (thing.type === 'image' || thing.type === 'snapshot') {
    const registered = await database.selectFrom('artifacts').select('image_name').where('run_id', '=', run.id).executeTakeFirst();
    return registered !== undefined && run.phase === 'completed' && attempt === run.attempt ? 'registered' : 'leftover';
  }
  return run.is_kept && attempt === run.attempt ? 'owned' : 'leftover';
}

/** Whether a server that lives has the trial. */
export function isHeld(live: ReadonlySet<string>, { executor }: { executor: string | null }): boolean {
  return executor !== null && live.has(executor);
}

function partsOf({ owner, token }: OwnedThing): { runId: string | undefined; attempt: number } {
  const [, runId, attempt] = /^((?:try-)?[a-z][a-z0-9]{9})-(\d+)-[a-z-]+$/.exec(token) ?? [];
  return { runId: runId ?? (owner.runId === '' ? undefined : owner.runId), attempt: Number(attempt ?? 1) };
}
