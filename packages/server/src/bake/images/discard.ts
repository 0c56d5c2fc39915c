import { sql } from 'kysely';

import type { Database, DatabaseTransaction, Queryable } from '../../database/tables.js';
import type { Handle, OwnedThing, Site, Substrate } from '../../substrates/substrate.js';

/** Held shared by what puts an image into the catalog, and alone by what looks that none does before it removes one. */
const registrationLock = 7_242_611_002;

/** Keeps images from being discarded until the transaction ends, because it registers one. */
export async function holdImages(trx: DatabaseTransaction): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(${sql.lit(registrationLock)})`.execute(trx);
}

/** Where something is to be removed. */
export interface Place {
  readonly database: Database;
  readonly substrate: Substrate;
  readonly site: Site;
}

/**
 * Removes one thing that a bake left outside. An image that a catalog entry names stays: substrates may keep equal images
 * once, so that the leftover of one bake can be the registered image of another.
 */
export async function discardThing(place: Place, thing: OwnedThing, signal: AbortSignal): Promise<void> {
  if (thing.type === 'image') await discardImage(place, thing.handle, signal);
  else await place.substrate.destroy(place.site, thing.token, signal);
}

/** Removes an image, or only what says that nobody wants it when a catalog entry names it. */
export async function discardImage({ database, site, substrate }: Place, reference: Handle, signal: AbortSignal): Promise<void> {
  await database.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${sql.lit(registrationLock)})`.execute(trx);
    if (await isNamed(trx, substrate.imageId(reference))) await substrate.keepImage(site, reference, signal);
    else await substrate.discardImage(site, reference, signal);
  });
}

async function isNamed(queryable: Queryable, id: string | undefined): Promise<boolean> {
  // What is half made has no name that a catalog entry could hold.
  if (id === undefined) return false;
  const registered = await queryable
    .selectFrom('artifacts')
    .select('image_name')
    .where('image_id', '=', id)
    .where('missing_at', 'is', null)
    .executeTakeFirst();
  if (registered !== undefined) return true;
  const written = await queryable
    .selectFrom('resources')
    .select('name')
    .where('kind', '=', 'image')
    .where(sql<boolean>`strpos(spec::text, ${id}) > 0`)
    .executeTakeFirst();
  return written !== undefined;
}
