import { sql } from 'kysely';
import type { Logger } from 'pino';

import type { Database } from '../../database/tables.js';
import { answeredWithin, type Site, type Substrate, type SubstrateName } from '../../substrates/substrate.js';
import { keptSite, rememberSite } from '../runs/sites.js';
import { forgetUnknown } from './unknown.js';
import { visitSite, type Visit } from './visit-site.js';

/** A visit that takes longer has failed, and the site's next one comes in its time. */
const longestVisitMs = 10 * 60_000;
/** A site that is not the server's own host is visited this often while something may be there, and this often afterwards. */
const busySeconds = 60;
const quietSeconds = 3600;
/** Nothing was made at a quiet site for this long. */
const quietAfterSeconds = 6 * 3600;
/** So many sites are visited at once. */
const mostAtOnce = 8;

/** What the reaper needs of the server. */
export interface ReapParts {
  readonly database: Database;
  readonly substrates: ReadonlyMap<SubstrateName, Substrate>;
  readonly installation: string;
  readonly log: Logger;
}

/** Visits sites and removes what no live run, kept machine or trial owns. */
export interface Reaper {
  /**
   * Visits every site that is due and not being visited, here or by another server. Returns when those visits have ended or
   * after `patienceMs`, so that a site which hangs delays no other; its visit goes on.
   */
  round(): Promise<void>;
  /** Ends the visits that go on. */
  stop(): Promise<void>;
}

/** A reaper that waits in each round for as long as `patienceMs`. */
export function createReaper(parts: ReapParts, patienceMs = 30_000): Reaper {
  const stopping = new AbortController();
  const visits = new Map<string, Promise<void>>();

  const begin = (substrate: Substrate, site: Site) => {
    const key = `${substrate.name} ${JSON.stringify(site)}`;
    if (visits.has(key) || visits.size >= mostAtOnce) return;
    const visit = visitInTurn(parts, substrate, site, stopping.signal)
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) parts.log.warn({ err: error, substrate: substrate.name }, 'a site could not be visited');
      })
      .finally(() => visits.delete(key));
    visits.set(key, visit);
  };

  return {
    async round() {
      await parts.database
        .updateTable('runs')
        .set({ kept_until: null, kept_shell: null })
        .where('kept_until', '<', sql<Date>`now()`)
        .execute();
      await forgetUnknown(parts.database);
      for (const substrate of parts.substrates.values()) {
        if (substrate.local) await rememberHere(parts.database, substrate);
        for (const site of await dueSites(parts.database, substrate)) if (substrate.serves(site)) begin(substrate, site);
      }
      await Promise.race([Promise.all(visits.values()), pause(patienceMs)]);
    },
    async stop() {
      stopping.abort();
      await Promise.all(visits.values());
    },
  };
}

/** What lies here is looked for from the first start on, whether or not this database knows of anything. */
async function rememberHere(database: Database, substrate: Substrate): Promise<void> {
  await rememberSite(database, substrate.name, keptSite(substrate, undefined));
}

async function dueSites(database: Database, { local, name }: Substrate): Promise<readonly Site[]> {
  const rows = await database
    .selectFrom('sites')
    .select('site')
    .where('substrate', '=', name)
    .where(
      sql<boolean>`(${sql.lit(local)} or visited_at is null
        or visited_at < now() - make_interval(secs => ${busySeconds})
          and (used_at > now() - make_interval(secs => ${quietAfterSeconds})
            or exists (select from intents where intents.site = sites.site and settled_at is null))
        or visited_at < now() - make_interval(secs => ${quietSeconds}))`,
    )
    .orderBy('visited_at', (order) => order.asc().nullsFirst())
    .execute();
  return rows.map((row) => row.site as Site);
}

async function visitInTurn(parts: ReapParts, substrate: Substrate, site: Site, stopping: AbortSignal): Promise<void> {
  const { database, installation, log } = parts;
  if (!(await takeTurn(database, substrate, site))) return;
  let visit: Visit = { faults: ['the visit did not end'], complete: false };
  try {
    visit = await answeredWithin(longestVisitMs, stopping, (signal) => visitSite({ database, substrate, site }, installation, log, signal));
  } catch (error) {
    visit = { faults: [error instanceof Error ? error.message : String(error)], complete: false };
    if (!stopping.aborted) throw error;
  } finally {
    await endTurn(database, substrate, site, visit);
  }
}

async function takeTurn(database: Database, substrate: Substrate, site: Site): Promise<boolean> {
  const taken = await database
    .updateTable('sites')
    .set({ visited_until: sql<Date>`now() + make_interval(secs => ${(2 * longestVisitMs) / 1000})` })
    .where('substrate', '=', substrate.name)
    .where(sql<boolean>`site = ${JSON.stringify(site)}::jsonb`)
    // A local site is one server's alone: a turn that it held before it died is nobody's.
    .where(sql<boolean>`(${sql.lit(substrate.local)} or visited_until is null or visited_until < now())`)
    .returning('substrate')
    .executeTakeFirst();
  return taken !== undefined;
}

async function endTurn(database: Database, substrate: Substrate, site: Site, { complete, faults }: Visit): Promise<void> {
  await database
    .updateTable('sites')
    .set({
      visited_until: null,
      visited_at: sql<Date>`now()`,
      fault: faults.length === 0 ? null : faults.slice(0, 10).join('; ').slice(0, 2000),
      ...(complete ? { complete_at: sql<Date>`now()` } : {}),
    })
    .where('substrate', '=', substrate.name)
    .where(sql<boolean>`site = ${JSON.stringify(site)}::jsonb`)
    .execute();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
