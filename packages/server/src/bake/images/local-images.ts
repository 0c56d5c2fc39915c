import { type Image, MurmurError } from '@murmur/api';
import { sql } from 'kysely';

import { PLATFORM_TENANT } from '../../catalog/context.js';
import { readSpec } from '../../catalog/read.js';
import type { Database, Queryable } from '../../database/tables.js';
import { diskIsAbsent, type SubstrateName } from '../../substrates/substrate.js';
import { prefixed } from '../starting/substrate-names.js';

/**
 * Throws, as for a disk that is not there, unless the tenant baked the disk that the image names or the platform built it.
 * Every tenant's disks lie side by side on the server's host, and an image written by hand can name any of them.
 */
export async function checkDisk(queryable: Queryable, tenant: string, image: Image): Promise<void> {
  if (image.source.case !== 'qemu') return;
  const { diskDigest } = image.source.value;
  const baked = await queryable
    .selectFrom('artifacts')
    .select('image_name')
    .where('tenant', '=', tenant)
    .where(sql<boolean>`reference ->> 'diskDigest' = ${diskDigest}`)
    .executeTakeFirst();
  if (baked !== undefined) return;
  const built = await queryable
    .selectFrom('resource_generations')
    .select('name')
    .where('tenant', '=', PLATFORM_TENANT)
    .where('kind', '=', 'image')
    .where(sql<boolean>`spec -> 'qemu' ->> 'disk_digest' = ${diskDigest}`)
    .executeTakeFirst();
  if (built === undefined) throw diskIsAbsent(image, diskDigest);
}

/** Throws FAILED_PRECONDITION when the substrate is the server's own host and the tenant may not place machines there. */
export async function checkServesTenant(database: Database, tenant: string, substrate: SubstrateName): Promise<void> {
  if (substrate !== 'QEMU' && substrate !== 'DOCKER') return;
  try {
    await readSpec(database, tenant, 'placement', `murmur-${substrate.toLowerCase()}-local`);
  } catch (error) {
    if (!(error instanceof MurmurError) || error.code !== 'NOT_FOUND') throw error;
    throw new MurmurError('FAILED_PRECONDITION', `substrate ${prefixed(substrate)} is not available on this server`, { cause: error });
  }
}
