import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { testDatabase, type TestDatabase } from '../../database/testing.js';
import { cancelBake } from '../runs/cancel.js';
import { readLog } from '../runs/logs.js';
import { insertRun } from '../runs/testing-runs.js';
import { findRun } from '../runs/identify-run.js';
import { bakeOf } from '../runs/views.js';
import { type Admission, createAdmission } from './admission.js';
import { claimRoom, takenRoom } from './claims.js';
import type { HostRoom } from './limits.js';
import { waitForRoom } from './wait-for-room.js';
import { testRoom } from './testing.js';

const tenants = ['local/a', 'local/b', 'local/c'];
const log = pino({ level: 'silent' });

let db: TestDatabase;
beforeEach(async () => {
  db = await testDatabase();
  await db.database
    .insertInto('tenants')
    .values(tenants.map((id) => ({ id })))
    .execute();
});
afterEach(() => db.close());

interface Host {
  readonly admission: Admission;
  /** The runs that were let in, in that order. */
  readonly begun: string[];
}

/** A server on a host with room for so many machines of 1 GiB. */
async function open(machines: number, changes: Partial<HostRoom> = {}): Promise<Host> {
  const begun: string[] = [];
  const room = testRoom({ host: 'h', machines: { memoryMb: machines * 1024, vcpus: 1000 }, ...changes });
  const admission = createAdmission({ database: db.database, room, log, begin: async (id) => void begun.push(id) });
  await admission.open();
  return { admission, begun };
}

/** A bake that waits for room, as `startBake` inserts it. */
async function ask(tenant: string, id: string, memoryMb = 1024): Promise<string> {
  await insertRun(db.database, tenant, { id, executor: null });
  await db.database.transaction().execute((trx) => claimRoom(trx, { id, kind: 'bake', tenant, host: 'h', size: { memoryMb, vcpus: 1 } }));
  return id;
}

async function launched(id: string, attempt = 1): Promise<void> {
  await db.database
    .insertInto('intents')
    .values({ token: `${id}-${attempt}-launch`, run_id: id, attempt, step: 'launch', substrate: 'QEMU' })
    .execute();
}

const settled = (id: string) => db.database.updateTable('intents').set({ settled_at: new Date() }).where('run_id', '=', id).execute();
const ended = (id: string) => db.database.updateTable('runs').set({ ended_at: new Date(), phase: 'failed' }).where('id', '=', id).execute();
const waiting = async (tenant: string, id: string) => (await bakeOf(db.database, await findRun(db.database, tenant, id))).waitsFor;

describe('admission', () => {
  test('lets in what fits, and the next ones once machines are gone', async () => {
    const { admission, begun } = await open(2);
    for (const id of ['r1', 'r2', 'r3', 'r4']) await ask('local/a', id);
    await admission.look();
    expect(begun).toEqual(['r1', 'r2']);
    expect(await waiting('local/a', 'r3')).toBe('queued: next, once there is room for 1 GiB of memory and 1 vCPU on the host');
    expect(await waiting('local/a', 'r4')).toBe('queued: 1 ahead');
    await launched('r1');
    await ended('r1');
    await admission.look();
    // Its machine is still there, be it kept or not removed yet.
    expect(begun).toEqual(['r1', 'r2']);
    await settled('r1');
    await admission.look();
    expect(begun).toEqual(['r1', 'r2', 'r3']);
    expect(await waiting('local/a', 'r3')).toBe('');
  });

  test('gives tenants their turns, and each tenant’s bakes theirs by age', async () => {
    const { admission, begun } = await open(1);
    for (const [tenant, id] of [
      ['a', 'a1'],
      ['a', 'a2'],
      ['a', 'a3'],
      ['b', 'b1'],
      ['c', 'c1'],
      ['b', 'b2'],
    ] as const) {
      await ask(`local/${tenant}`, id);
    }
    for (let turn = 0; turn < 6; turn += 1) {
      await admission.look();
      await ended(begun.at(-1) ?? '');
    }
    expect(begun).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  test('lets nothing small past a large machine that is next, and another tenant past one that has its share', async () => {
    const { admission, begun } = await open(4, { perTenant: { bakes: 100, machines: 2 } });
    for (const id of ['a1', 'a2', 'a3']) await ask('local/a', id);
    await ask('local/b', 'b1');
    await admission.look();
    expect(begun).toEqual(['a1', 'b1', 'a2']);
    expect(await waiting('local/a', 'a3')).toBe('queued: 2 machines of this tenant run, the most there may be');
    await ask('local/c', 'large', 2048);
    await ask('local/c', 'small');
    await admission.look();
    expect(begun).toHaveLength(3);
    await ended('b1');
    await admission.look();
    expect(begun).toEqual(['a1', 'b1', 'a2', 'large']);
  });

  test('counts the machine of an earlier attempt that could not be removed', async () => {
    const { admission, begun } = await open(3);
    await ask('local/a', 'r1');
    await admission.look();
    await launched('r1', 1);
    await launched('r1', 2);
    expect(await takenRoom(db.database, 'h')).toEqual([{ tenant: 'local/a', machines: 2, memoryMb: 2048, vcpus: 2 }]);
    for (const id of ['r2', 'r3']) await ask('local/a', id);
    await admission.look();
    expect(begun).toEqual(['r1', 'r2']);
  });

  test('of two processes that both take themselves for the server of a host, neither lets in what the other did', async () => {
    const [one, other] = [await open(5), await open(5)];
    for (let number = 1; number <= 20; number += 1) await ask(tenants[number % 3] ?? '', `r${number}`);
    await Promise.all(Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? one : other).admission.look()));
    const begun = [...one.begun, ...other.begun];
    expect(begun).toHaveLength(5);
    expect(new Set(begun).size).toBe(5);
    expect((await takenRoom(db.database, 'h')).reduce((sum, { machines }) => sum + machines, 0)).toBe(5);
  });

  test('holds in the next process what the one before let in, whether or not it began', async () => {
    const before = await open(1);
    await ask('local/a', 'r1');
    await ask('local/a', 'r2');
    await before.admission.look();
    const after = await open(1);
    await after.admission.look();
    expect(after.begun).toEqual([]);
    await ended('r1');
    await after.admission.look();
    expect(after.begun).toEqual(['r2']);
  });

  test('forgets whoever waited to try an image when the process before ended', async () => {
    await open(1);
    const claim = { id: 't1', kind: 'try', tenant: 'local/a', host: 'h', size: { memoryMb: 1024, vcpus: 1 } } as const;
    await db.database.insertInto('trials').values({ id: 't1', tenant: 'local/a', executor: 'h', token: 't', substrate: 'QEMU' }).execute();
    await db.database.transaction().execute((trx) => claimRoom(trx, claim));
    const after = await open(1);
    await ask('local/a', 'r1');
    await after.admission.look();
    expect(after.begun).toEqual(['r1']);
  });

  test('says in the log how many are ahead, and again only when half as many are', async () => {
    const { admission, begun } = await open(1);
    for (let number = 0; number < 9; number += 1) await ask('local/a', `r${number}`);
    for (let turn = 0; turn < 9; turn += 1) {
      await admission.look();
      await ended(begun.at(-1) ?? '');
    }
    expect((await readLog(db.database, 'r8', 0)).text).toBe(
      [
        'murmur: queued: 7 ahead',
        'murmur: queued: 3 ahead',
        'murmur: queued: 1 ahead',
        'murmur: queued: next, once there is room for 1 GiB of memory and 1 vCPU on the host',
        '',
      ].join('\n'),
    );
  });

  test('lets nobody in while the disk is too full', async () => {
    let shortage: string | undefined = '1 GiB free';
    const disk = { shortage: () => Promise.resolve(shortage), require: () => Promise.resolve() };
    const { admission, begun } = await open(1, { disk });
    await ask('local/a', 'r1');
    await admission.look();
    expect(begun).toEqual([]);
    expect(await waiting('local/a', 'r1')).toBe("queued: next, once there is enough free disk space on the server's host again");
    shortage = undefined;
    await admission.look();
    expect(begun).toEqual(['r1']);
  });

  test('ends a bake that waits for more than there is since the limits were lowered', async () => {
    const { admission, begun } = await open(1);
    await ask('local/a', 'large', 2048);
    await ask('local/a', 'small');
    await admission.look();
    expect(begun).toEqual(['small']);
    const { error, ended_at, phase } = await findRun(db.database, 'local/a', 'large');
    expect([phase, error]).toEqual([
      'failed',
      'the machine never finds room on this host: it takes 2 GiB of memory, and all machines together may take 1 GiB',
    ]);
    expect(ended_at).not.toBeNull();
  });

  test('counts the bakes that ran before there was a queue', async () => {
    await insertRun(db.database, 'local/a', { id: 'old', executor: 'h', host: 'h', inputs: JSON.stringify({ memoryMb: 1024, vcpus: 1 }) });
    const { admission, begun } = await open(1);
    await ask('local/a', 'new');
    await admission.look();
    expect(begun).toEqual([]);
    await ended('old');
    await admission.look();
    expect(begun).toEqual(['new']);
  });
});

test('whoever waits at a terminal comes before the bakes of the same tenant, hears what is waited for, and not for ever', async () => {
  const { admission } = await open(1);
  await ask('local/a', 'r1');
  await admission.look();
  await ask('local/a', 'r2');
  await db.database.insertInto('trials').values({ id: 't1', tenant: 'local/a', executor: 'h', token: 't', substrate: 'QEMU' }).execute();
  const claim = { id: 't1', kind: 'try', tenant: 'local/a', host: 'h', size: { memoryMb: 1024, vcpus: 1 } } as const;
  await db.database.transaction().execute((trx) => claimRoom(trx, claim));
  expect(await waiting('local/a', 'r2')).toBe('queued: 1 ahead');
  const waits = waitForRoom({ admission, database: db.database }, { id: 't1', mostMs: -1, signal: new AbortController().signal });
  expect((await waits.next()).value).toBe('queued: next, once there is room for 1 GiB of memory and 1 vCPU on the host');
  await expect(waits.next()).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    message:
      "no room for the machine on the server's host within a minute; queued: next, once there is room for 1 GiB of memory and 1 vCPU on the host",
  });
});

test('a bake that is queued is cancelled at once, and whoever comes next takes its turn', async () => {
  const { admission, begun } = await open(1);
  for (const id of ['r1', 'r2', 'r3']) await ask('local/a', id);
  await admission.look();
  const { bake } = await cancelBake(db.database, 'local/a', 'r2');
  expect(bake?.phase).toBe('cancelled');
  expect((await readLog(db.database, 'r2', 0)).text).toContain('murmur: the bake was cancelled\n');
  await ended('r1');
  await admission.look();
  expect(begun).toEqual(['r1', 'r3']);
});

test('a bake that is let in while it is cancelled is either ended or begun, never both', async () => {
  const { admission, begun } = await open(100);
  for (let number = 0; number < 20; number += 1) await ask('local/a', `r${number}`);
  const looking = admission.look();
  const cancelled = await Promise.all(Array.from({ length: 20 }, (_, number) => cancelBake(db.database, 'local/a', `r${number}`)));
  await looking;
  await admission.look();
  for (const { bake } of cancelled)
    expect([bake?.runId, bake?.phase === 'cancelled']).toEqual([bake?.runId, !begun.includes(bake?.runId ?? '')]);
});
