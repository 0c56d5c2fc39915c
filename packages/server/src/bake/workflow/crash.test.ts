import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startTestBakery, type TestBakery } from '../testing.js';

const minutes = 60_000;

let kitchen: TestBakery;
beforeAll(async () => {
  kitchen = await startTestBakery();
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
  const dead = sql<Date>`now() - interval '1 minute'`;
  await kitchen.restart('second', () =>
    kitchen.db.database.updateTable('executors').set({ heartbeat_at: dead }).where('id', '=', 'first').execute(),
  );
  const { bake, log } = await kitchen.follow(runId);
  expect(log).toBe(counted);
  expect(bake).toMatchObject({ phase: 'completed', attempt: 1 });
  const run = await kitchen.db.database.selectFrom('runs').select(['epoch', 'executor']).where('id', '=', runId).executeTakeFirstOrThrow();
  expect(run).toEqual({ epoch: 1, executor: 'second' });
  expect(await kitchen.leftovers()).toEqual([]);
});

test('a run that was inserted without a workflow is started', { timeout: 3 * minutes }, async () => {
  await kitchen.setRecipe('unborn', { script: '#!/bin/sh\necho born\n' });
  const { runId } = await kitchen.insertWithoutWorkflow('unborn');
  const { bake, log } = await kitchen.follow(runId);
  expect(log).toBe('born\n');
  expect(bake.phase).toBe('completed');
});

test('three lost machines fail the bake', { timeout: 4 * minutes }, async () => {
  await kitchen.setRecipe('doomed', { script: '#!/bin/sh\nsync\necho o >/proc/sysrq-trigger\nsleep 100\n' });
  const { runId } = await kitchen.bake('doomed');
  const { bake, log } = await kitchen.follow(runId);
  expect(bake).toMatchObject({ phase: 'failed', attempt: 3, error: 'the machine is gone' });
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
