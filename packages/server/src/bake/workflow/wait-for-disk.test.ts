import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { PlatformFault } from '../../substrates/substrate.js';
import { testRoom } from '../room/testing.js';
import { readLog } from '../runs/logs.js';
import { insertRun } from '../runs/testing-runs.js';
import { waitForDisk } from './wait-for-disk.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  await db.database.insertInto('tenants').values({ id: 'local/default' }).execute();
});
afterAll(() => db.close());

/** A step of a run on a host whose disk is short for so many looks. */
async function step(looks: number, local = true) {
  const runId = await insertRun(db.database, 'local/default');
  let left = looks;
  const disk = { shortage: async () => ((left -= 1) >= 0 ? 'too little' : undefined), require: () => Promise.resolve() };
  return {
    runId,
    context: {
      database: db.database,
      lease: { runId, executor: 'e', epoch: 0 },
      log: pino({ level: 'silent' }),
      note: () => undefined,
      room: testRoom({ disk }),
      signal: new AbortController().signal,
      substrate: { local } as never,
    },
  };
}

test('a step waits until the host has disk space again, and says so in the log', async () => {
  const { context, runId } = await step(1);
  await waitForDisk(context);
  expect((await readLog(db.database, runId, 0)).text).toBe(
    "murmur: the disk of the server's host is full; the bake goes on once there is space\n",
  );
});

test('a disk that stays full is a fault of the platform', async () => {
  const { context } = await step(Infinity);
  await expect(waitForDisk(context, -1)).rejects.toBeInstanceOf(PlatformFault);
});

test('what a cloud does needs no space here', async () => {
  const { context, runId } = await step(Infinity, false);
  await waitForDisk(context);
  expect((await readLog(db.database, runId, 0)).text).toBe('');
});
