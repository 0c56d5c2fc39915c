import { sql } from 'kysely';
import type { Logger } from 'pino';

import type { Database } from '../../database/tables.js';
import { keptSite } from '../runs/sites.js';
import type { Handle, Substrate, SubstrateName } from '../../substrates/substrate.js';

/** An image is read whole again once a day. */
const recheckHours = 24;

/** What the check needs of the server. */
export interface ExistenceParts {
  readonly database: Database;
  readonly substrates: ReadonlyMap<SubstrateName, Substrate>;
  readonly hostId: string;
  readonly log: Logger;
}

/** Looks thoroughly at the one image that has waited longest, if any is due, and at none on another host; one found gone or damaged is marked missing. */
export async function checkOldest({ database, hostId, substrates, log }: ExistenceParts, signal: AbortSignal): Promise<void> {
  if (substrates.size === 0) return;
  const oldest = await database
    .selectFrom('artifacts')
    .selectAll()
    .where('missing_at', 'is', null)
    .where((where) => where.or([where('host', 'is', null), where('host', '=', hostId)]))
    .where('substrate', 'in', [...substrates.keys()])
    .where(sql<boolean>`checked_at < now() - make_interval(hours => ${recheckHours})`)
    .orderBy('checked_at')
    .limit(1)
    .executeTakeFirst();
  if (oldest === undefined) return;
  const substrate = substrates.get(oldest.substrate as SubstrateName);
  if (substrate === undefined) return;
  let whole = true;
  try {
    whole = await substrate.imageExists(keptSite(substrate, oldest.site), oldest.reference as Handle, 'thorough', signal);
  } catch (error) {
    // A look that failed says nothing about the image: it comes again in a day, and never keeps the others waiting.
    log.warn({ err: error, tenant: oldest.tenant, image: oldest.image_name }, 'an image could not be looked at');
  }
  if (!whole) log.warn({ tenant: oldest.tenant, image: oldest.image_name }, 'an image is gone or damaged; its next bake builds it again');
  await database
    .updateTable('artifacts')
    .set({ checked_at: sql<Date>`now()`, ...(whole ? {} : { missing_at: sql<Date>`now()` }) })
    .where('tenant', '=', oldest.tenant)
    .where('image_name', '=', oldest.image_name)
    .execute();
}
