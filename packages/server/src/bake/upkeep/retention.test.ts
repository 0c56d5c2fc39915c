import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { administer, testDatabase, type TestDatabase } from '../../database/testing.js';
import { readLog } from '../runs/logs.js';
import { insertRun } from '../runs/testing-runs.js';
import { createWorkflowEngine, type WorkflowEngine } from '../workflow/workflow-engine.js';
import { removeOld, type Retention } from './retention.js';

const whole = process.env['MURMUR_FULL'] === 'sweep';
const tenant = 'local/default';
const log = pino({ level: 'silent' });
const { signal } = new AbortController();
const day = 86_400;
const retention: Retention = { runsSeconds: 90 * day, logsSeconds: 30 * day, auditSeconds: 400 * day };

let db: TestDatabase;
let engine: WorkflowEngine;
beforeAll(async () => {
  db = await testDatabase();
  await db.database.insertInto('tenants').values({ id: tenant }).execute();
  engine = createWorkflowEngine({ connection: db, hostId: 'e', instance: 'i', version: 'v', log, workflow: () => Promise.resolve() });
  await engine.launch();
});
afterAll(async () => {
  await engine.shutdown();
  await db.close();
});
beforeEach(() => db.database.deleteFrom('runs').execute());

const remove = (kept: Partial<Retention> = {}) =>
  removeOld({ database: db.database, engine, retention: { ...retention, ...kept }, log }, signal);
const runs = async () => (await db.database.selectFrom('runs').select('id').orderBy('id').execute()).map(({ id }) => id);
const countOf = async (table: string) => {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(db.database);
  return rows[0]?.count;
};

async function endedRun(id: string, daysAgo: number): Promise<string> {
  await insertRun(db.database, tenant, { id, phase: 'completed', ended_at: new Date(Date.now() - daysAgo * day * 1000) });
  await db.database.insertInto('run_log').values({ run_id: id, start_offset: 0, text: 'line\n' }).execute();
  await db.database.updateTable('runs').set({ log_size: 5 }).where('id', '=', id).execute();
  return id;
}

const first = (runId: string) => ({ runId, begun: 1, firstAttempt: 1 });
const intent = (id: string, settled: Date | null) =>
  db.database
    .insertInto('intents')
    .values({ token: `${id}-1-launch`, run_id: id, attempt: 1, step: 'launch', substrate: 'QEMU', settled_at: settled })
    .execute();

test('runs go with all that belongs to them once they are old, and logs before them', async () => {
  await endedRun('fresh', 29);
  await endedRun('older', 89);
  await endedRun('old', 91);
  await insertRun(db.database, tenant, { id: 'lives' });
  for (const id of ['older', 'old']) {
    await engine.start(first(id));
    await intent(id, new Date());
  }
  expect(await remove()).toEqual({ runs: 1, logRows: 2, auditEntries: 0 });
  expect(await runs()).toEqual(['fresh', 'lives', 'older']);
  expect((await readLog(db.database, 'fresh', 0)).text).toBe('line\n');
  expect((await readLog(db.database, 'older', 0)).text).toBe('');
  expect([await engine.standing(first('older')), await engine.standing(first('old'))]).toEqual([{ kind: 'ended' }, { kind: 'absent' }]);
  expect(await countOf('intents')).toBe(1);
});

test('what a live image was made by is kept with it, and so is a run of which something may be left outside', async () => {
  for (const id of ['imaged', 'gone', 'open', 'kept']) await endedRun(id, 100);
  for (const id of ['imaged', 'gone']) {
    await sql`
      insert into artifacts (tenant, image_name, recipe, image_hash, build_number, run_id, artifact_name, substrate, scope, reference)
      values (${tenant}, ${`image-${id}`}, 'r', 'h', 1, ${id}, 'a', 'QEMU', 'qemu-local', '{}')
    `.execute(db.database);
  }
  await sql`
    insert into resources (tenant, kind, name, generation, spec, author, created_at, updated_at)
    values (${tenant}, 'image', 'image-imaged', 1, '{}', 'a', now(), now())
  `.execute(db.database);
  await intent('imaged', new Date());
  await intent('open', null);
  await db.database
    .updateTable('runs')
    .set({ kept_until: sql<Date>`now()` })
    .where('id', '=', 'kept')
    .execute();
  await engine.start(first('imaged'));
  await remove();
  expect(await runs()).toEqual(['imaged', 'kept', 'open']);
  // Of the image's run, what its workflow needed is gone all the same.
  expect(await engine.standing(first('imaged'))).toEqual({ kind: 'absent' });
  expect((await db.database.selectFrom('intents').select('run_id').execute()).map(({ run_id }) => run_id)).toEqual(['open']);
});

test('0 keeps for ever', async () => {
  await endedRun('old', 5000);
  expect(await remove({ runsSeconds: undefined, logsSeconds: undefined, auditSeconds: undefined })).toEqual({
    runs: 0,
    logRows: 0,
    auditEntries: 0,
  });
  expect(await runs()).toEqual(['old']);
});

const many = whole ? { runs: 100_000, audit: 300_000 } : { runs: 2000, audit: 10_000 };

test(
  `of ${many.runs} runs and ${many.audit} audit entries the old ones go, while bakes and calls go on`,
  { timeout: whole ? 1_800_000 : 120_000 },
  async () => {
    // Over a connection of its own, which no limit on statements ends.
    await administer(
      db.url,
      `insert into runs (id, tenant, recipe, environment, placement, image_hash, build_number, image_name, artifact_name, substrate,
        scope, phase, inputs, author, log_size, ended_at)
      select 'r' || n, '${tenant}', 'r', 'e', 'p', 'h' || n, 1, 'i', 'a', 'QEMU', 'qemu-local', 'failed', '{}', 'a', 1000,
        now() - make_interval(days => n % 200)
      from generate_series(1, ${many.runs}) n;
      insert into run_log (run_id, start_offset, text) select id, part * 100, repeat('x', 100) from runs, generate_series(0, 4) part;
      insert into audit_entries (tenant, at, actor, key_id, action, kind, name, allowed)
      select '${tenant}', now() - make_interval(days => 800 - (n::bigint * 800 / ${many.audit})::integer), 'a', '', 'Get', '', '', true
      from generate_series(1, ${many.audit}) n;
      insert into audit_outcomes (entry, code) select id, 'OK' from audit_entries`,
    );
    await insertRun(db.database, tenant, { id: 'lives' });

    let over = false;
    let calls = 0;
    let longestMs = 0;
    const working = (async () => {
      while (!over) {
        const began = performance.now();
        await db.database.updateTable('runs').set({ log_size: calls }).where('id', '=', 'lives').execute();
        await sql`insert into audit_entries (tenant, actor, key_id, action, kind, name, allowed) values (${tenant}, 'now', '', 'Get', '', '', true)`.execute(
          db.database,
        );
        longestMs = Math.max(longestMs, performance.now() - began);
        calls += 1;
      }
    })();
    const began = performance.now();
    const removed = await remove();
    const tookMs = performance.now() - began;
    over = true;
    await working;

    expect(removed.runs).toBe((many.runs / 200) * 110);
    expect(removed.logRows).toBe((many.runs / 200) * 170 * 5);
    expect(await countOf('runs')).toBe(many.runs - removed.runs + 1);
    const { rows } = await sql<{ old: number; young: number }>`
      select count(*) filter (where at < now() - interval '400 days') as old, count(*) filter (where actor <> 'now') as young
      from audit_entries
    `.execute(db.database);
    expect(rows[0]?.old).toBe(0);
    expect(rows[0]?.young).toBe(many.audit - removed.auditEntries);
    expect(removed.auditEntries).toBeGreaterThan(many.audit * 0.49);
    expect(await countOf('audit_outcomes')).toBe(rows[0]?.young);
    expect(calls).toBeGreaterThan(10);
    if (whole) process.stderr.write(`${JSON.stringify({ ...removed, tookMs, calls, longestMs })}\n`);
    expect(await remove()).toEqual({ runs: 0, logRows: 0, auditEntries: 0 });
  },
);
