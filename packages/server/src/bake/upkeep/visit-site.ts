import { sql } from 'kysely';
import type { Logger } from 'pino';

import type { Database } from '../../database/tables.js';
import type { OwnedThing } from '../../substrates/substrate.js';
import { discardThing, type Place } from '../images/discard.js';
import { settle } from '../runs/intents.js';
import { liveHosts } from '../hosts/live-hosts.js';
import { isHeld, standingOf } from './standing.js';

/** Where a list may lag behind, what two complete ones this far apart lack is gone. */
const betweenLooksSeconds = 120;

/** How a visit ended: what kept it from seeing or removing everything, if anything did. */
export interface Visit {
  readonly faults: readonly string[];
  /** Whether the site's list was complete. */
  readonly complete: boolean;
}

/** Removes from one site everything of ours that no live run, kept machine or trial owns, and settles what was about it. */
export async function visitSite(place: Place, installation: string, log: Logger, signal: AbortSignal): Promise<Visit> {
  const { site, substrate } = place;
  // Intents first: what is made after this look has one that this look does not see, and is not touched.
  const open = await openIntentsOfTheEnded(place);
  const faults: string[] = [];
  for (const thing of (await substrate.listOwned(site, installation, signal)).things) {
    try {
      await attend(place, thing, log, signal);
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ err: error, substrate: substrate.name, type: thing.type, token: thing.token }, 'a leftover could not be removed yet');
      faults.push(`${thing.type} ${thing.token}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const { incomplete, things } = await substrate.listOwned(site, installation, signal);
  const left = new Set<string>(things.map((thing) => thing.token));
  if (incomplete === undefined) {
    await settleMissing(place, open, left);
    await forgetTrials(place, left);
  } else {
    faults.push(incomplete);
  }
  return { faults, complete: incomplete === undefined };
}

async function attend(place: Place, thing: OwnedThing, log: Logger, signal: AbortSignal): Promise<void> {
  const standing = await standingOf(place.database, thing);
  if (standing === 'registered' && thing.type === 'image') await place.substrate.keepImage(place.site, thing.handle, signal);
  if (standing !== 'leftover') return;
  log.info({ substrate: place.substrate.name, type: thing.type, token: thing.token }, 'removing what a bake left behind');
  await discardThing(place, thing, signal);
}

async function openIntentsOfTheEnded({ database, site, substrate }: Place): Promise<readonly string[]> {
  const rows = await database
    .selectFrom('intents')
    .innerJoin('runs', 'runs.id', 'intents.run_id')
    .select('intents.token')
    .where('intents.substrate', '=', substrate.name)
    .where(isAt(site, substrate.local))
    .where('intents.settled_at', 'is', null)
    .where('runs.ended_at', 'is not', null)
    .execute();
  return rows.map((row) => row.token);
}

/** Settles what complete lists lack: at once where they are current, elsewhere at the second look. */
async function settleMissing({ database, substrate }: Place, open: readonly string[], left: ReadonlySet<string>): Promise<void> {
  for (const token of open) {
    if (left.has(token)) {
      await database.updateTable('intents').set({ missed_at: null }).where('token', '=', token).execute();
    } else if (substrate.local || (await wasMissedBefore(database, token))) {
      await settle(database, token);
    }
  }
}

async function wasMissedBefore(database: Database, token: string): Promise<boolean> {
  const row = await database
    .updateTable('intents')
    .set({ missed_at: sql<Date>`coalesce(missed_at, now())` })
    .where('token', '=', token)
    .returning(sql<boolean>`missed_at <= now() - make_interval(secs => ${betweenLooksSeconds})`.as('before'))
    .executeTakeFirst();
  return row?.before === true;
}

/** A machine that a dead executor still made after this has a trial nobody knows, and goes at once. */
async function forgetTrials({ database, site, substrate }: Place, left: ReadonlySet<string>): Promise<void> {
  const trials = await database
    .selectFrom('trials')
    .select(['id', 'executor', 'token'])
    .where('substrate', '=', substrate.name)
    .where(isAt(site, substrate.local))
    .where(sql<boolean>`(${sql.lit(substrate.local)} or created_at < now() - make_interval(secs => ${betweenLooksSeconds}))`)
    .execute();
  if (trials.length === 0) return;
  const live = await liveHosts(database);
  for (const trial of trials) {
    if (!isHeld(live, trial) && !left.has(trial.token)) await database.deleteFrom('trials').where('id', '=', trial.id).execute();
  }
}

/** Rows from before sites were kept are of the server's own host. */
function isAt(site: object, local: boolean) {
  return sql<boolean>`(site = ${JSON.stringify(site)}::jsonb or (${sql.lit(local)} and site is null))`;
}
