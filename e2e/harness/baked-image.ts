import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema } from '@murmur/api';

import { writeBakedImage } from '../../packages/server/src/catalog/baked-image.js';
import { connectToDatabase } from './database.js';
import type { TestServer } from './server.js';

/** Registers image `<recipe>-0123456789abcdef` as a bake of this recipe does at its end; no machine runs for it. */
export async function setBakedImage(server: TestServer, recipe: string): Promise<void> {
  const imageHash = '0123456789abcdef'.repeat(4);
  const name = `${recipe}-${imageHash.slice(0, 16)}`;
  const source = {
    case: 'gce',
    value: { selfLink: `projects/acme-agents/global/images/${name}`, provenance: { recipeRef: recipe, imageHash } },
  } as const;
  const image = create(ImageSchema, { name, architecture: Architecture.AMD64, source });
  const connection = await connectToDatabase(server);
  try {
    await connection.database
      .transaction()
      .execute((trx) => writeBakedImage(trx, { tenant: 'local/default', image, author: 'ana@example.com' }));
  } finally {
    await connection.close();
  }
}
