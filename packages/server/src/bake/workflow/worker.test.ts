import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { pino } from 'pino';
import { expect, test } from 'vitest';

import { testDatabase } from '../../database/testing.js';
import { openKeyFile } from '../../secrets/key-provider.js';
import { createTenantKeys } from '../../secrets/tenant-keys.js';
import { createQemuSubstrate } from '../../substrates/qemu/index.js';
import type { Site, SubstrateName } from '../../substrates/substrate.js';
import type { Worker } from './bake.js';
import { stepToken } from '../starting/names.js';
import { readRun, type RunRow } from '../runs/runs.js';
import { testRoom } from '../room/testing.js';
import { insertRun } from '../runs/testing-runs.js';
import { createWorker } from './worker.js';

interface WorkerUnderTest extends AsyncDisposable {
  readonly runId: string;
  readonly worker: Worker;
  run(): Promise<RunRow>;
}

/** A worker of one run that would keep its machine for a minute. */
async function startWorker(): Promise<WorkerUnderTest> {
  const dataDir = await mkdtemp(join(tmpdir(), 'murmur-worker-'));
  const { close, database } = await testDatabase();
  await database.insertInto('tenants').values({ id: 'local/default' }).execute();
  const runId = await insertRun(database, 'local/default');
  await database
    .updateTable('runs')
    .set({ inputs: JSON.stringify({ placement: {} }), keep_on_failure_seconds: 60 })
    .where('id', '=', runId)
    .execute();
  const log = pino({ level: 'silent' });
  const substrate = await createQemuSubstrate({ dataDir, runtimeDir: dataDir, installation: 'worker', log });
  const parts = {
    database,
    tenantKeys: createTenantKeys(database, await openKeyFile(join(dataDir, 'master.key'))),
    substrates: new Map<SubstrateName, typeof substrate>([['QEMU', substrate]]),
    installation: 'worker',
    room: testRoom(),
    notes: new Map<string, string>(),
    log,
    begun: 1,
    letGo: (id: string) => new Error(`let go of ${id}`),
  };
  return {
    runId,
    worker: createWorker(parts, { runId, executor: 'e', epoch: 0 }, new AbortController().signal),
    run: () => readRun(database, runId),
    async [Symbol.asyncDispose]() {
      await substrate.close();
      await close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

test('a machine that went away before it could be kept does not hide why the bake failed', async () => {
  await using under = await startWorker();
  const machine = { site: {} as Site, token: stepToken(under.runId, 1, 'launch'), handle: {} };

  await under.worker.fail({ machine }, 1, { kind: 'failed', message: 'script exited with code 3' }, 'keep');

  expect(await under.run()).toMatchObject({ phase: 'failed', error: 'script exited with code 3', kept_until: null });
});

test('what went wrong inside the server is for its operator, not for the tenant', async () => {
  await using under = await startWorker();
  const step = { name: 'capture', phase: 'capturing' as const, run: () => readFile('/somewhere/private').then(() => ({})) };

  expect(await under.worker.perform(step, {}, 1)).toEqual({
    kind: 'failed',
    message: `the server failed at step capture; its operator finds the cause in the log under ${under.runId}`,
  });
});
