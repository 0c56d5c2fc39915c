import { create } from '@bufbuild/protobuf';
import { RetireHostRequestSchema } from '@murmur/api';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { goesAway, startTestBakery, type TestBakery } from '../testing.js';
import { createReaper } from '../upkeep/reaper.js';
import { bakeSteps, workflowVersion } from './bake.js';

const minutes = 60_000;

let kitchen: TestBakery;
beforeAll(async () => {
  kitchen = await startTestBakery();
});
afterAll(async () => {
  await kitchen[Symbol.asyncDispose]();
});

/** A script that says how often it started and prints numbers for some seconds. */
const counting = '#!/bin/sh\necho start >>/opt/starts\nfor n in 1 2 3 4 5 6; do echo "line $n"; sleep 0.5; done\nwc -l </opt/starts\n';
const counted = 'line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n1\n';

const runOf = (runId: string) => kitchen.db.database.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirstOrThrow();

/** Starts a bake on this host and returns once its script has printed its second line. */
async function baking(recipe: string): Promise<string> {
  await kitchen.setRecipe(recipe, { script: counting });
  const { runId } = await kitchen.bake(recipe);
  await seen(runId, 'line 2\n');
  return runId;
}

async function seen(runId: string, wanted: string): Promise<string> {
  let text = '';
  for await (const message of kitchen.bakery.streamLog(kitchen.caller, kitchen.logRequest(runId), new AbortController().signal)) {
    text += message.text;
    if (text.includes(wanted)) return text;
  }
  throw new Error(`the log ended without ${JSON.stringify(wanted)}`);
}

test('a bake waits for its own host, whichever other servers there are', { timeout: 3 * minutes }, async () => {
  const runId = await baking('waiting');
  await kitchen.restart('second', () => goesAway(kitchen.db.database, 'first'));
  await seen(runId, 'the bake waits for it\n');
  expect(await runOf(runId)).toMatchObject({ executor: null, host: 'first', phase: 'provisioning', ended_at: null });

  await kitchen.restart('first');
  const { bake, log } = await kitchen.follow(runId);
  expect(bake).toMatchObject({ phase: 'completed', attempt: 1, error: '' });
  expect(log.replace(/^murmur: host .* does not answer; the bake waits for it\n/m, '')).toBe(counted);
  expect(await kitchen.leftovers()).toEqual([]);
});

test('a bake whose host is gone begins anew elsewhere and has spent no attempt', { timeout: 3 * minutes }, async () => {
  const runId = await baking('homeless');
  await kitchen.restart('second', () => goesAway(kitchen.db.database, 'first'));
  await seen(runId, 'the bake waits for it\n');
  expect(await kitchen.bakery.retireHost(create(RetireHostRequestSchema, { host: 'first' }))).toMatchObject({ bakes: 1 });

  const { bake, log } = await kitchen.follow(runId);
  expect(bake).toMatchObject({ phase: 'completed', attempt: 1, error: '' });
  expect(log).toContain('murmur: the host of this bake is gone; the bake begins anew\nline 1\n');
  expect(log.endsWith(counted)).toBe(true);
  expect(await runOf(runId)).toMatchObject({ host: 'second', begun: 2, attempt: 2 });
  expect(await kitchen.leftovers()).toEqual([]);
  await kitchen.restart('first');
});

test('a bake whose host is away can be cancelled, and its machine goes when the host is back', { timeout: 3 * minutes }, async () => {
  const runId = await baking('unwanted');
  await kitchen.restart('second', () => goesAway(kitchen.db.database, 'first'));
  await kitchen.bakery.cancel(kitchen.caller, kitchen.cancelRequest(runId));
  expect((await kitchen.follow(runId)).bake.phase).toBe('cancelled');

  const substrates = new Map([['QEMU', kitchen.substrate]] as const);
  const { installation } = kitchen;
  await kitchen.restart('first');
  await createReaper({ database: kitchen.db.database, substrates, installation, log: pino({ level: 'silent' }) }).round();
  expect(await kitchen.leftovers()).toEqual([]);
  const open = kitchen.db.database.selectFrom('intents').select('token').where('run_id', '=', runId).where('settled_at', 'is', null);
  expect(await open.execute()).toEqual([]);
});

/** Turns a workflow into one that an older release began: other steps under another version, held by a process that is gone. */
const olderShape = async (runId: string) => {
  const { database } = kitchen.db;
  await sql`update dbos.workflow_status set application_version = 'bake-0', executor_id = 'old', inputs = ${JSON.stringify({ json: [runId] })}
    where workflow_uuid = ${runId}`.execute(database);
  await sql`update dbos.operation_outputs set function_name = '1 boot' where workflow_uuid = ${runId} and function_name = '1 launch'`.execute(
    database,
  );
};

test('a bake begun under other steps is begun anew and finished', { timeout: 3 * minutes }, async () => {
  const runId = await baking('upgraded');
  await kitchen.restart('first', () => olderShape(runId));
  const { bake, log } = await kitchen.follow(runId);
  expect(bake).toMatchObject({ phase: 'completed', attempt: 1, error: '' });
  expect(log).toContain('murmur: the server was replaced by one of another version; the bake begins anew\n');
  expect(log.endsWith(counted)).toBe(true);
  expect(await kitchen.leftovers()).toEqual([]);
});

test('a bake begun under other steps can be cancelled, and then blocks its recipe no more', { timeout: 3 * minutes }, async () => {
  const runId = await baking('upgraded-unwanted');
  await kitchen.restart('first', async () => {
    await olderShape(runId);
    await kitchen.db.database.updateTable('runs').set({ cancel_requested_at: new Date() }).where('id', '=', runId).execute();
  });
  expect((await kitchen.follow(runId)).bake.phase).toBe('cancelled');
  expect(await kitchen.leftovers()).toEqual([]);
  expect((await kitchen.bake('upgraded-unwanted')).runId).not.toBe(runId);
});

test('the version of the workflow stands for these steps: raise it with any change to them or to what they hand on', () => {
  expect({ [workflowVersion]: bakeSteps.map(({ name }) => name) }).toEqual({
    'bake-2': ['launch', 'wait-ready', 'provision', 'clean', 'capture', 'release', 'register'],
  });
});
