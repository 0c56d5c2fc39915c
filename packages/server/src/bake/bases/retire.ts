import { sql } from 'kysely';
import type { Logger } from 'pino';

import { PLATFORM_TENANT } from '../../catalog/context.js';
import type { Database } from '../../database/tables.js';
import type { Substrate, SubstrateName } from '../../substrates/substrate.js';

/** Far longer than the moment between looking up a base and writing down the run that uses it. */
const unusedMs = 3_600_000;

/** What removing old bases needs of the server. */
export interface BasesParts {
  readonly database: Database;
  readonly substrates: ReadonlyMap<SubstrateName, Substrate>;
  readonly log: Logger;
}

/** Removes the base images of this host that a newer build has replaced and that nothing in the database names any more. */
export async function retireOldBases({ database, log, substrates }: BasesParts): Promise<void> {
  // Whoever looked a base up before the catalog named the new one has long written down by then what for.
  if (await changedLately(database)) return;
  for (const substrate of substrates.values()) {
    try {
      await substrate.baseBuilder?.retire(unusedMs, (id) => isNamed(database, id));
    } catch (error) {
      log.warn({ err: error, substrate: substrate.name }, 'old base images could not be removed');
    }
  }
}

async function changedLately(database: Database): Promise<boolean> {
  const changed = await database
    .selectFrom('resources')
    .select('name')
    .where('tenant', '=', PLATFORM_TENANT)
    .where('kind', '=', 'image')
    .where(sql<boolean>`updated_at > now() - make_interval(secs => ${unusedMs / 1000})`)
    .executeTakeFirst();
  return changed !== undefined;
}

/** Any tenant's image, a baked artifact or a run that goes on. */
async function isNamed(database: Database, id: string): Promise<boolean> {
  const { rows } = await sql<{ named: boolean }>`
    select exists (select from resources where kind = 'image' and strpos(spec::text, ${id}) > 0)
      or exists (select from artifacts where strpos(reference::text, ${id}) > 0)
      or exists (select from runs where ended_at is null and strpos(inputs::text, ${id}) > 0) as named
  `.execute(database);
  return rows[0]?.named !== false;
}
