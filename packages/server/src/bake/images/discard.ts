import { sql } from 'kysely';

import type { Database, DatabaseTransaction, Queryable } from '../../database/tables.js';
import type { Handle, OwnedThing, Site, Substrate } from '../../substrates/substrate.js';

/** Held shared by what puts an image into the catalog, and alone by what looks that none does before it removes one. */
const registrationLock = 7_242_611_002;

/** A server that removes an image has ended, or died, after this long. */
const longestDiscardMinutes = 20;

/** An image is just being removed: whoever wants to register it waits, and then looks whether it is still there. */
export class BeingDiscarded extends Error {
  override readonly name = 'BeingDiscarded';
}

/**
 * Keeps an image from being discarded until the transaction ends, because it registers that one. Throws
 * {@link BeingDiscarded} when it goes already.
 */
export async function holdImage(trx: DatabaseTransaction, id: string): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(${sql.lit(registrationLock)})`.execute(trx);
  const going = await trx
    .selectFrom('discards')
    .select('image_id')
    .where('image_id', '=', id)
    .where(sql<boolean>`since > now() - make_interval(mins => ${longestDiscardMinutes})`)
    .executeTakeFirst();
  if (going !== undefined) throw new BeingDiscarded(`image ${id} is just being removed`);
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

/**
 * Removes an image, or only what says that nobody wants it when a catalog entry names it. Nothing waits meanwhile but whoever
 * would register that very image.
 */
export async function discardImage({ database, site, substrate }: Place, reference: Handle, signal: AbortSignal): Promise<void> {
  const id = substrate.imageId(reference);
  // What is half made has no name that a catalog entry could hold.
  if (id === undefined) return substrate.discardImage(site, reference, signal);
  if (!(await markDiscarded(database, id))) return substrate.keepImage(site, reference, signal);
  await substrate.discardImage(site, reference, signal);
  await database.deleteFrom('discards').where('image_id', '=', id).execute();
}

/** Writes down that an image goes. False when a catalog entry names it. */
function markDiscarded(database: Database, id: string): Promise<boolean> {
  return database.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${sql.lit(registrationLock)})`.execute(trx);
    if (await isNamed(trx, id)) return false;
    await trx
      .insertInto('discards')
      .values({ image_id: id })
      .onConflict((conflict) => conflict.column('image_id').doUpdateSet({ since: sql<Date>`now()` }))
      .execute();
    return true;
  });
}

async function isNamed(queryable: Queryable, id: string): Promise<boolean> {
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
