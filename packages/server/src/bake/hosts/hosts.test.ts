import { Host_State } from '@murmur/api';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { insertRun } from '../runs/testing-runs.js';
import { goesAway } from '../testing.js';
import { enrol, signOff } from './enrol.js';
import { listHosts, retireHost, retireOthers } from './hosts.js';

const tenant = 'local/default';
const log = pino({ level: 'silent' });

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  await db.database.insertInto('tenants').values({ id: tenant }).execute();
});
afterAll(() => db.close());

/** A host with one registered image and one live bake. */
async function hostWithWork(hostId: string): Promise<{ runId: string }> {
  await enrol(db.database, { hostId, instance: hostId }, log);
  await db.database
    .insertInto('artifacts')
    .values({
      tenant,
      image_name: `image-${hostId}`,
      recipe: 'r',
      image_hash: hostId,
      build_number: 1,
      run_id: 'none',
      artifact_name: 'a',
      substrate: 'QEMU',
      scope: 'qemu-local',
      reference: JSON.stringify({ host: hostId }),
      host: hostId,
    })
    .execute();
  const runId = await insertRun(db.database, tenant, { executor: hostId });
  await db.database.updateTable('runs').set({ host: hostId, phase: 'provisioning', guest_offset: 7 }).where('id', '=', runId).execute();
  return { runId };
}

const missing = async (hostId: string) => {
  const row = await db.database.selectFrom('artifacts').select('missing_at').where('host', '=', hostId).executeTakeFirstOrThrow();
  return row.missing_at !== null;
};
const named = async (id: string) => (await listHosts(db.database)).find((host) => host.id === id);

test('a host that lives cannot be retired', async () => {
  await hostWithWork('lively');
  expect(await named('lively')).toMatchObject({ state: Host_State.LIVE, images: 1, bakes: 1 });
  await expect(retireHost(db.database, 'lively')).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  expect(await missing('lively')).toBe(false);
});

test('a retired host has no images and no bakes, until it is back and has its images again', async () => {
  const { runId } = await hostWithWork('gone');
  await db.database.updateTable('runs').set({ attempt: 2 }).where('id', '=', runId).execute();
  await goesAway(db.database, 'gone');
  expect(await named('gone')).toMatchObject({ state: Host_State.AWAY });
  expect(await retireHost(db.database, 'gone')).toMatchObject({
    host: { state: Host_State.RETIRED, images: 0, bakes: 0 },
    images: 1,
    bakes: 1,
  });
  expect(await missing('gone')).toBe(true);
  const run = await db.database.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirstOrThrow();
  expect(run).toMatchObject({ host: null, executor: null, begun: 2, attempt: 3, first_attempt: 3, guest_offset: 0, phase: 'queued' });
  expect(run.epoch).toBeGreaterThan(0);
  expect(await retireHost(db.database, 'gone')).toMatchObject({ images: 0, bakes: 0 });

  await signOff(db.database, { hostId: 'gone', instance: 'gone' });
  await enrol(db.database, { hostId: 'gone', instance: 'again' }, log);
  expect(await named('gone')).toMatchObject({ state: Host_State.LIVE, images: 1, bakes: 0 });
});

test('an image that was missing before its host was retired stays missing', async () => {
  await hostWithWork('damaged');
  await db.database.updateTable('artifacts').set({ missing_at: new Date() }).where('host', '=', 'damaged').execute();
  await goesAway(db.database, 'damaged');
  expect(await retireHost(db.database, 'damaged')).toMatchObject({ images: 0 });
  await signOff(db.database, { hostId: 'damaged', instance: 'damaged' });
  await enrol(db.database, { hostId: 'damaged', instance: 'again' }, log);
  expect(await missing('damaged')).toBe(true);
});

test('a host is named by its id or by a name of its own', async () => {
  await hostWithWork('one');
  await hostWithWork('two');
  for (const id of ['one', 'two']) await goesAway(db.database, id);
  await db.database.updateTable('hosts').set({ name: 'twin' }).where('id', 'in', ['one', 'two']).execute();
  await expect(retireHost(db.database, 'nobody')).rejects.toThrow('host "nobody" not found');
  await expect(retireHost(db.database, 'twin')).rejects.toThrow('host "twin" is ambiguous');
  expect((await retireHost(db.database, 'one')).host.id).toBe('one');
  expect((await retireHost(db.database, 'twin')).host.id).toBe('two');
});

test('the only server of a database gives up what every other host had', async () => {
  await hostWithWork('before');
  expect((await retireOthers(db.database, 'now')).map(({ host }) => host.id)).toContain('before');
  expect(await missing('before')).toBe(true);
  expect(await retireOthers(db.database, 'now')).toEqual([]);
});
