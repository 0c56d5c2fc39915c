import { type Image, ImageSchema, MurmurError } from '@murmur/api';

import type { DatabaseTransaction } from '../database/tables.js';
import { everything } from './context.js';
import { throwFaults } from './faults.js';
import { image as imageKind } from './kinds/image/image.js';
import { provenanceOf } from './kinds/image/provenance.js';
import { kindNamed } from './kinds/index.js';
import { lockTargets } from './references.js';
import { decodeSpec, encodeSpec, lockName, lockResource, writeGeneration } from './store.js';

/** An image a bake has made, with its provenance. */
export interface BakedImage {
  readonly tenant: string;
  readonly image: Image;
  /** Who started the bake. */
  readonly author: string;
}

/**
 * Puts a baked image into the catalog, as part of the transaction that ends its bake. A name that was free when the bake
 * started may have been taken by hand since: that is FAILED_PRECONDITION.
 */
export async function writeBakedImage(trx: DatabaseTransaction, { tenant, image, author }: BakedImage): Promise<void> {
  const address = { tenant, kind: imageKind.name, name: image.name };
  await lockName(trx, address);
  const present = await lockResource(trx, address, 'write');
  if (present !== undefined) throw taken(decodeSpec(ImageSchema, present.spec));
  const { targets, missing } = await lockTargets(trx, { tenant, permits: everything }, imageKind.references?.(image) ?? [], kindNamed);
  throwFaults(imageKind, [], missing);
  await writeGeneration(trx, address, { spec: encodeSpec(ImageSchema, image), author, at: new Date(), targets: targets.all });
}

function taken(present: Image): MurmurError {
  return provenanceOf(present) === undefined
    ? new MurmurError('FAILED_PRECONDITION', `image "${present.name}" already exists and was not baked`, {
        hint: 'Delete that image or give it another name, then bake again.',
      })
    : new MurmurError('ALREADY_EXISTS', `image "${present.name}" already exists`);
}
