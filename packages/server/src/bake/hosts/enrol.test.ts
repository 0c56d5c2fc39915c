import { randomUUID } from 'node:crypto';

import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { ownProcess } from '../../host/own-process.js';
import { assertLease, claimRun, RunLost } from '../runs/lease.js';
import { insertRun } from '../runs/testing-runs.js';
import { beat, enrol, signOff, type Starter } from './enrol.js';

const log = pino({ level: 'silent' });

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  await db.database.insertInto('tenants').values({ id: 'local/default' }).execute();
});
afterAll(() => db.close());

const starting = (hostId: string): Starter => ({ hostId, instance: randomUUID() });
const start = async (starter: Starter): Promise<Starter> => {
  await enrol(db.database, starter, log);
  return starter;
};
/** Makes the process that holds a host one that was never seen on this machine, or one that has ended here. */
const holderIs = async ({ hostId }: Starter, where: 'elsewhere' | 'dead', seenSecondsAgo = 0) => {
  const process = { ...(await ownProcess()), ...(where === 'dead' ? { start: '0' } : { boot: 'another boot' }) };
  const seen_at = sql<Date>`now() - make_interval(secs => ${seenSecondsAgo})`;
  await db.database
    .updateTable('hosts')
    .set({ process: JSON.stringify(process), seen_at })
    .where('id', '=', hostId)
    .execute();
};

test('a host whose process lives on this machine is refused to a second one', async () => {
  const first = await start(starting('alive'));
  await expect(start(starting('alive'))).rejects.toThrow('host alive is in use by another Murmur server');
  expect(await beat(db.database, first)).toBe(true);
});

test('a host whose process lives on another machine is refused to a second one', async () => {
  const first = await start(starting('copied'));
  await holderIs(first, 'elsewhere');
  const beating = setInterval(() => void beat(db.database, first), 200);
  try {
    await expect(start(starting('copied'))).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  } finally {
    clearInterval(beating);
  }
});

test('a host whose process is not seen any more goes to the next one, and so does one that signed off', async () => {
  const first = await start(starting('passed-on'));
  await holderIs(first, 'elsewhere', 19);
  const second = await start(starting('passed-on'));
  expect([await beat(db.database, first), await beat(db.database, second)]).toEqual([false, true]);
  await holderIs(second, 'elsewhere');
  await signOff(db.database, second);
  const third = await start(starting('passed-on'));
  await signOff(db.database, second);
  expect(await beat(db.database, third)).toBe(true);
});

test('what a dead process held is free at once, and its leases end', async () => {
  const first = await start(starting('restarted'));
  const runId = await insertRun(db.database, 'local/default', { executor: null });
  await db.database.updateTable('runs').set({ host: 'restarted' }).where('id', '=', runId).execute();
  const lease = (await claimRun(db.database, { runId, begun: 1 }, 'restarted'))?.lease;
  if (lease === undefined) throw new Error('nobody else had the run');
  await assertLease(db.database, lease);
  await holderIs(first, 'dead');
  await start(starting('restarted'));
  await expect(assertLease(db.database, lease)).rejects.toBeInstanceOf(RunLost);
  expect(await claimRun(db.database, { runId, begun: 1 }, 'other')).toBeUndefined();
  expect(await claimRun(db.database, { runId, begun: 1 }, 'restarted')).toMatchObject({ lease: { epoch: 1 } });
});

test('the runs of a host under its former name are its own', async () => {
  await db.database.insertInto('hosts').values({ id: 'former' }).execute();
  const runId = await insertRun(db.database, 'local/default', { executor: 'former' });
  await db.database.updateTable('runs').set({ host: 'former' }).where('id', '=', runId).execute();
  await start({ ...starting('renamed'), formerId: 'former' });
  const run = await db.database.selectFrom('runs').select(['executor', 'host']).where('id', '=', runId).executeTakeFirst();
  expect(run).toEqual({ executor: null, host: 'renamed' });
  expect(await db.database.selectFrom('hosts').select('id').where('id', '=', 'former').execute()).toEqual([]);
});
