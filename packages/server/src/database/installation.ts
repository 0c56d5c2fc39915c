import { randomBytes } from 'node:crypto';

import type { Database } from './tables.js';

/** The id of this installation, made once per database: 8 of `[0-9a-f]`. Every server on the database gets the same. */
export async function installationId(database: Database): Promise<string> {
  await database
    .insertInto('installation')
    .values({ id: randomBytes(4).toString('hex') })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await database.selectFrom('installation').select('id').executeTakeFirstOrThrow();
  return row.id;
}
