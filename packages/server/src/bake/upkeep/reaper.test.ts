import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';

import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { deriveGuestKeys } from '../../substrates/guest-keys.js';
import { PlatformFault, type Site, type Token } from '../../substrates/substrate.js';
import { withLimits } from '../../substrates/limits.js';
import { makeBusyboxRoot } from '../../substrates/testing/busybox-root.js';
import { createPlaces, type Places } from '../../substrates/testing/places.js';
import { rememberSite } from '../runs/sites.js';
import { insertRun } from '../runs/testing-runs.js';
import { stepToken } from '../starting/names.js';
import { createReaper, type Reaper } from './reaper.js';

/** A round waits no longer for a site that hangs. */
const patienceMs = 5000;
const tenant = 'local/default';
const installation = 'reaping';
const { signal } = new AbortController();
const keys = deriveGuestKeys(Buffer.alloc(64, 1));
const [east, west] = ['east', 'west'].map((place) => ({ place }) as unknown as Site) as [Site, Site];

let db: TestDatabase;
let folder: string;
let places: Places;
let reaper: Reaper;
beforeAll(async () => {
  db = await testDatabase();
  await db.database.insertInto('tenants').values({ id: tenant }).execute();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murmur-reaper-'));
  await makeBusyboxRoot(join(folder, 'busybox'));
  places = createPlaces(join(folder, 'places'));
  const substrates = new Map([['AWS', withLimits(places)]] as const);
  reaper = createReaper({ database: db.database, substrates, installation, log: pino({ level: 'silent' }) }, patienceMs);
});
afterEach(async () => {
  await reaper.stop();
  for (const site of [east, west]) for (const token of await tokens(site)) await places.kill(site, token);
  await db.database.deleteFrom('sites').execute();
  await db.database.deleteFrom('intents').execute();
  await rm(folder, { recursive: true, force: true });
});
afterAll(() => db.close());

/** A machine whose bake has ended without removing it. */
async function leftover(site: Site): Promise<Token> {
  const runId = await insertRun(db.database, tenant);
  await db.database.updateTable('runs').set({ phase: 'failed', ended_at: new Date() }).where('id', '=', runId).execute();
  await db.database
    .insertInto('intents')
    .values({
      token: stepToken(runId, 1, 'launch'),
      run_id: runId,
      attempt: 1,
      step: 'launch',
      substrate: 'AWS',
      site: JSON.stringify(site),
    })
    .execute();
  return machineOf(runId, site);
}

async function machineOf(runId: string, site: Site): Promise<Token> {
  const token = stepToken(runId, 1, 'launch');
  await rememberSite(db.database, 'AWS', site);
  const spec = { vcpus: 1, memoryMb: 64, machineType: '', diskType: '', diskSizeGb: 0, lifetimeSeconds: 600, attempt: 1, keys };
  const base = { immutableId: await places.addImage(site, join(folder, 'busybox')), architecture: 'AMD64' as const };
  await places.launch({ ...spec, base, site, owner: { installation, tenant, runId } }, token, signal);
  return token;
}

async function tokens(site: Site): Promise<Token[]> {
  return (await places.listOwned(site, installation, signal)).things.map(({ token }) => token);
}

const openIntents = async () =>
  (await db.database.selectFrom('intents').select('token').where('settled_at', 'is', null).execute()).map(({ token }) => token);
const faultAt = async (site: Site) => {
  const query = db.database.selectFrom('sites').select('fault');
  return (await query.where(sql<boolean>`site = ${JSON.stringify(site)}::jsonb`).executeTakeFirst())?.fault;
};

test('what no run is known for stays for a quarter of an hour by the database’s clock, whatever its place’s clock says', async () => {
  const made = await machineOf('zzzzzzzzzz', east);
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() + 3_600_000);
  onTestFinished(() => clock.mockRestore());
  const lookAgain = async () => {
    await db.database
      .updateTable('sites')
      .set({ visited_at: new Date(0) })
      .execute();
    await reaper.round();
    return tokens(east);
  };
  expect(await lookAgain()).toEqual([made]);
  const age = (interval: string) =>
    db.database
      .updateTable('unknown_things')
      .set({ first_seen_at: sql<Date>`now() - ${interval}::interval` })
      .execute();
  await age('14 minutes');
  expect(await lookAgain()).toEqual([made]);
  await age('15 minutes');
  expect(await lookAgain()).toEqual([]);
});

test('a site that hangs delays no other', async () => {
  await leftover(east);
  await leftover(west);
  places.faults.set('listOwned', [() => new Promise<void>(() => undefined)]);

  await reaper.round();

  const left = [...(await tokens(east)), ...(await tokens(west))];
  expect(left).toHaveLength(1);
});

test('a site that denies access keeps its intents open, says why, and is clean when it lets us in again', async () => {
  const [denied, allowed] = [await leftover(east), await leftover(west)];
  const deny = () => Promise.reject(new PlatformFault('access denied', { kind: 'refused' }));
  places.faults.set('destroy', [deny]);
  await reaper.round();
  const left = [...(await tokens(east)), ...(await tokens(west))];
  expect(left).toHaveLength(1);
  expect([await faultAt(east), await faultAt(west)]).toContain(`machine ${left[0]}: access denied`);
  expect((await openIntents()).toSorted()).toEqual([denied, allowed].toSorted());

  await db.database
    .updateTable('sites')
    .set({ visited_at: new Date(0) })
    .execute();
  await reaper.round();

  expect([...(await tokens(east)), ...(await tokens(west))]).toEqual([]);
  expect([await faultAt(east), await faultAt(west)]).toEqual([null, null]);
});

test('what a late list does not show yet is not taken for gone', async () => {
  const token = await leftover(east);
  places.lateMs = 600_000;
  await reaper.round();
  expect(await openIntents()).toEqual([token]);
  await db.database
    .updateTable('sites')
    .set({ visited_at: new Date(0) })
    .execute();
  await reaper.round();
  // The second look came too soon after the first.
  expect(await openIntents()).toEqual([token]);

  places.lateMs = 0;
  await db.database
    .updateTable('sites')
    .set({ visited_at: new Date(0) })
    .execute();
  await reaper.round();
  expect(await tokens(east)).toEqual([]);
  await db.database
    .updateTable('sites')
    .set({ visited_at: new Date(0) })
    .execute();
  await db.database
    .updateTable('intents')
    .set({ missed_at: sql<Date>`now() - interval '3 minutes'` })
    .execute();
  await reaper.round();
  expect(await openIntents()).toEqual([]);
});
