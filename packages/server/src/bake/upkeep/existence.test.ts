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
  await expect(checkOldest({ database: db.database, substrates: new Map(), log }, new AbortController().signal)).resolves.toBeUndefined();
});
