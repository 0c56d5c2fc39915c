import { sql } from 'kysely';

import type { Database, DatabaseTransaction, Queryable } from '../../database/tables.js';
import type { Handle, OwnedThing, Substrate } from '../../substrates/substrate.js';

/** Shorter strings of a reference, such as a region, say nothing about which image it is. */
const shortestId = 12;

/** Held shared by what puts an image into the catalog, and alone by what looks that none does before it removes one. */
const registrationLock = 7_242_611_002;

/** Keeps images from being discarded until the transaction ends, because it registers one. */
export async function holdImages(trx: DatabaseTransaction): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(${sql.lit(registrationLock)})`.execute(trx);
}

/**
 * Removes one thing that a bake left outside. An image that a catalog entry names stays: substrates may keep equal images
 * once, so that the leftover of one bake can be the registered image of another.
 */
export async function discardThing(database: Database, substrate: Substrate, thing: OwnedThing): Promise<void> {
  if (thing.type === 'image') await discardImage(database, substrate, thing.handle);
  else await substrate.destroy(thing.token);
}

/** Removes an image, or only what says that nobody wants it when a catalog entry names it. */
export async function discardImage(database: Database, substrate: Substrate, reference: Handle): Promise<void> {
  await database.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${sql.lit(registrationLock)})`.execute(trx);
    if (await isNamed(trx, reference)) await substrate.keepImage(reference);
    else await substrate.discardImage(reference);
  });
}

async function isNamed(queryable: Queryable, reference: Handle): Promise<boolean> {
  const registered = await queryable
    .selectFrom('artifacts')
    .select('image_name')
    .where(sql<boolean>`reference = ${JSON.stringify(reference)}::jsonb`)
    .where('missing_at', 'is', null)
    .executeTakeFirst();
  if (registered !== undefined) return true;
  for (const id of Object.values(reference)) {
    if (typeof id !== 'string' || id.length < shortestId) continue;
    const written = await queryable
      .selectFrom('resources')
      .select('name')
      .where('kind', '=', 'image')
      .where(sql<boolean>`strpos(spec::text, ${id}) > 0`)
      .executeTakeFirst();
    if (written !== undefined) return true;
  }
  return false;
}
