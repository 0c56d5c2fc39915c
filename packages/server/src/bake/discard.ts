import { sql } from 'kysely';

import type { Queryable } from '../database/tables.js';
import type { Handle, OwnedThing, Substrate } from '../substrates/substrate.js';

/** Shorter strings of a reference, such as a region, say nothing about which image it is. */
const shortestId = 12;

/**
 * Removes one thing that a bake left outside. An image that a catalog entry names stays: substrates may keep equal images
 * once, so that the leftover of one bake can be the registered image of another.
 */
export async function discardThing(queryable: Queryable, substrate: Substrate, thing: OwnedThing): Promise<void> {
  if (thing.type === 'image') await discardImage(queryable, substrate, thing.handle);
  else await substrate.destroy(thing.token);
}

/** Removes an image, unless a catalog entry names it. */
export async function discardImage(queryable: Queryable, substrate: Substrate, reference: Handle): Promise<void> {
  if (!(await isNamed(queryable, reference))) await substrate.discardImage(reference);
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
