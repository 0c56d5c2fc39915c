import { create } from '@bufbuild/protobuf';
import { PlacementSchema } from '@murmur/api';
import { sql } from 'kysely';

import type { Queryable } from '../../database/tables.js';
import type { Site, Substrate } from '../../substrates/substrate.js';

/** The site that a row keeps. Rows from before sites were kept are of the server's own host, where every placement is the same. */
export function keptSite(substrate: Substrate, kept: unknown): Site {
  return (kept ?? substrate.siteOf(create(PlacementSchema), '')) as Site;
}

/** Where an image lies: a baked one where it was baked, any other on the server's own host. */
export async function siteOfImage(queryable: Queryable, substrate: Substrate, tenant: string, image: string): Promise<Site> {
  const baked = await queryable
    .selectFrom('artifacts')
    .select('site')
    .where('tenant', '=', tenant)
    .where('image_name', '=', image)
    .executeTakeFirst();
  return keptSite(substrate, baked?.site);
}

/** Writes down that something is about to be made at a site, so that the reaper looks there from now on. */
export async function rememberSite(queryable: Queryable, substrate: string, site: Site): Promise<void> {
  await queryable
    .insertInto('sites')
    .values({ substrate, site: JSON.stringify(site) })
    .onConflict((conflict) => conflict.columns(['substrate', 'site']).doUpdateSet({ used_at: sql<Date>`now()` }))
    .execute();
}
