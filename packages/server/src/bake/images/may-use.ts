import { MurmurError } from '@murmur/api';
import { sql } from 'kysely';

import { PLATFORM_TENANT } from '../../catalog/context.js';
import { readSpec } from '../../catalog/read.js';
import type { Database, Queryable } from '../../database/tables.js';
import type { MayUse, Substrate } from '../../substrates/substrate.js';
import { prefixed } from '../starting/substrate-names.js';

/** What a tenant may use of artifacts that lie side by side: what it baked itself and what the platform built. */
export function tenantMayUse(queryable: Queryable, tenant: string): MayUse {
  return async (immutableId) => {
    const baked = await queryable
      .selectFrom('artifacts')
      .select('image_name')
      .where('tenant', '=', tenant)
      .where('image_id', '=', immutableId)
      .executeTakeFirst();
    if (baked !== undefined) return true;
    const built = await queryable
      .selectFrom('resource_generations')
      .select('name')
      .where('tenant', '=', PLATFORM_TENANT)
      .where('kind', '=', 'image')
      .where(sql<boolean>`strpos(spec::text, ${immutableId}) > 0`)
      .executeTakeFirst();
    return built !== undefined;
  };
}

/** Throws FAILED_PRECONDITION when the substrate is the server's own host and the tenant may not place machines there. */
export async function checkServesTenant(database: Database, tenant: string, { local, name }: Substrate): Promise<void> {
  if (!local) return;
  try {
    await readSpec(database, tenant, 'placement', `murmur-${name.toLowerCase()}-local`);
  } catch (error) {
    if (!(error instanceof MurmurError) || error.code !== 'NOT_FOUND') throw error;
    throw new MurmurError('FAILED_PRECONDITION', `substrate ${prefixed(name)} is not available on this server`, { cause: error });
  }
}
