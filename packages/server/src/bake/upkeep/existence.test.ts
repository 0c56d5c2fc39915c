import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { checkOldest } from './existence.js';

const log = pino({ level: 'silent' });

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());

test('a server without any substrate has nothing to check', async () => {
  const parts = { database: db.database, substrates: new Map(), hostId: 'here', log };
  await expect(checkOldest(parts, new AbortController().signal)).resolves.toBeUndefined();
});
