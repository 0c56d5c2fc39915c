import { type Image, ImageSchema, MurmurError } from '@murmur/api';

import type { DatabaseTransaction } from '../database/tables.js';
import { throwFaults } from './faults.js';
import { image as imageKind } from './kinds/image/image.js';
import { kindNamed } from './kinds/index.js';
import { lockTargets } from './references.js';
import { encodeSpec, lockName, lockResource, writeGeneration } from './store.js';

/** An image a bake has made, with its provenance. */
export interface BakedImage {
  readonly tenant: string;
  readonly image: Image;
  /** Who started the bake. */
  readonly author: string;
}

/**
 * Puts a baked image into the catalog, as part of the transaction that ends its bake. Throws ALREADY_EXISTS when the name is
 * taken, which the bake has ruled out before it started.
 */
export async function writeBakedImage(trx: DatabaseTransaction, { tenant, image, author }: BakedImage): Promise<void> {
  const address = { tenant, kind: imageKind.name, name: image.name };
  await lockName(trx, address);
  if ((await lockResource(trx, address, 'write')) !== undefined) {
    throw new MurmurError('ALREADY_EXISTS', `image "${image.name}" already exists`);
  }
  const { targets, missing } = await lockTargets(trx, tenant, imageKind.references?.(image) ?? [], kindNamed);
  throwFaults(imageKind.errors, [], missing);
  await writeGeneration(trx, address, { spec: encodeSpec(ImageSchema, image), author, at: new Date(), targets: targets.all });
}
