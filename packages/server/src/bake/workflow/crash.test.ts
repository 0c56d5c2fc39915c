import { afterAll, beforeAll, expect, test } from 'vitest';

import { goesAway, startTestBakery, type TestBakery } from '../testing.js';

const minutes = 60_000;

let kitchen: TestBakery;
beforeAll(async () => {
  kitchen = await startTestBakery(undefined, { reach: 'any host' });
});
afterAll(async () => {
  await kitchen[Symbol.asyncDispose]();
});

/** A script that counts its own starts and prints numbers for some seconds. */
const counting = '#!/bin/sh\necho start >>/opt/starts\nfor n in $(seq 1 8); do echo "line $n"; sleep 0.5; done\nwc -l </opt/starts\n';
const counted = `${Array.from({ length: 8 }, (_, index) => `line ${index + 1}\n`).join('')}1\n`;

test("another server takes over a dead one's bakes", { timeout: 3 * minutes }, async () => {
  await kitchen.setRecipe('orphaned', { script: counting });
  const { runId } = await kitchen.bake('orphaned');
  await seenLine(runId, 'line 2\n');
  await kitchen.restart('second', () => goesAway(kitchen.db.database, 'first'));
  const { bake, log } = await kitchen.follow(runId);
  expect(log).toBe(counted);
  expect(bake).toMatchObject({ phase: 'completed', attempt: 1 });
  const run = await kitchen.db.database.selectFrom('runs').select(['epoch', 'executor']).where('id', '=', runId).executeTakeFirstOrThrow();
  expect(run).toMatchObject({ executor: 'second' });
  expect(await kitchen.leftovers()).toEqual([]);
});

test('a run that was inserted without a workflow is started', { timeout: 3 * minutes }, async () => {
  await kitchen.setRecipe('unborn', { script: '#!/bin/sh\necho born\n' });
  const { runId } = await kitchen.insertWithoutWorkflow('unborn');
  const { bake, log } = await kitchen.follow(runId);
  expect(log).toBe('born\n');
  expect(bake.phase).toBe('completed');
});

/** From where PostgreSQL refuses a write to a table, with this SQLSTATE and as often as it is tried. */
async function refuseWrites(table: string, state: string): Promise<{ tries(): Promise<number>; end(): Promise<unknown> }> {
  const name = `refusal_${table.replace('.', '_')}`;
  const { pool } = kitchen.db;
  // A sequence keeps counting where the transaction around it is undone.
  await pool.query(`create sequence ${name};
    create function ${name}() returns trigger language plpgsql as $$
    begin perform nextval('${name}'); raise exception 'refused' using errcode = '${state}'; end $$;
    create trigger ${name} before insert on ${table} execute function ${name}()`);
  return {
    tries: async () =>
      (await pool.query<{ tries: number }>(`select case when is_called then last_value else 0 end as tries from ${name}`)).rows[0]?.tries ??
      0,
    end: () => pool.query(`drop trigger ${name} on ${table}; drop function ${name}(); drop sequence ${name}`),
  };
}

test('whatever PostgreSQL refuses for its own sake is only waited for', { timeout: 5 * minutes }, async () => {
  await kitchen.setRecipe('patient', { script: counting });
  const { runId } = await kitchen.bake('patient');
  await seenLine(runId, 'line 2\n');
  // As after a fail-over to a server that only reads.
  const log = await refuseWrites('run_log', '25006');
  // As an administrator may cancel it: the library behind the workflow takes that for final.
  const steps = await refuseWrites('dbos.operation_outputs', '57014');
  await expect.poll(log.tries, { timeout: 60_000 }).toBeGreaterThan(2);
  await log.end();
  await expect.poll(steps.tries, { timeout: 60_000 }).toBeGreaterThan(0);
  await steps.end();
  const followed = await kitchen.follow(runId);
  expect(followed.log).toBe(counted);
  expect(followed.bake).toMatchObject({ phase: 'completed', attempt: 1 });
  expect(await kitchen.leftovers()).toEqual([]);
});

test('three lost machines fail the bake', { timeout: 4 * minutes }, async () => {
  await kitchen.setRecipe('doomed', { script: '#!/bin/sh\nsync\necho c >/proc/sysrq-trigger\nsleep 100\n' });
  const { runId } = await kitchen.bake('doomed');
  const { bake, log } = await kitchen.follow(runId);
  expect(bake).toMatchObject({ phase: 'failed', attempt: 3, error: "the machine's kernel panicked" });
  expect(log.match(/murmur: attempt \d of 3 failed/g)).toHaveLength(3);
  expect(await kitchen.leftovers()).toEqual([]);
});

async function seenLine(runId: string, line: string): Promise<void> {
  const following = new AbortController();
  let seen = '';
  for await (const { text } of kitchen.bakery.streamLog(kitchen.caller, kitchen.logRequest(runId), following.signal)) {
    seen += text;
    if (seen.includes(line)) return;
  }
  throw new Error(`the log ended without ${JSON.stringify(line)}`);
}
