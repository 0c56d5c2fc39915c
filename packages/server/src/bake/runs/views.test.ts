import { create } from '@bufbuild/protobuf';
import { ListBakesRequestSchema } from '@murmur/api';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

import { rowsRead, testDatabase, testDatabaseOfALanguage, type TestDatabase } from '../../database/testing.js';
import { insertRun } from './testing-runs.js';
import { identifyRun } from './identify-run.js';
import { listRuns } from './views.js';

const tenant = 'local/default';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  await db.database
    .insertInto('tenants')
    .values([{ id: tenant }, { id: 'local/other' }])
    .execute();
  for (let index = 0; index < 30; index += 1) {
    const running = index >= 27;
    await insertRun(db.database, tenant, {
      id: `run${String(index).padStart(7, '0')}`,
      recipe: index % 2 === 0 ? 'even' : 'odd',
      ...(running ? {} : { ended_at: new Date(), phase: 'completed' }),
    });
  }
  await insertRun(db.database, 'local/other', { id: 'secretrun0' });
});
afterAll(() => db.close());

async function list(request: Parameters<typeof create<typeof ListBakesRequestSchema>>[1] = {}) {
  const { bakes, nextPageToken } = await listRuns(db.database, tenant, create(ListBakesRequestSchema, request));
  return { ids: bakes.map(({ runId }) => Number(runId.slice(3))), nextPageToken };
}

test('bakes are listed newest first, 25 on a page, and the pages join without gap or repeat', async () => {
  const first = await list();
  expect(first.ids).toEqual(Array.from({ length: 25 }, (_, index) => 29 - index));
  const second = await list({ pageToken: first.nextPageToken });
  expect(second).toEqual({ ids: [4, 3, 2, 1, 0], nextPageToken: '' });
  expect((await list({ pageSize: 30 })).nextPageToken).toBe('');
});

test('a list is filtered by what a bake is of and whether it runs', async () => {
  expect((await list({ runningOnly: true })).ids).toEqual([29, 28, 27]);
  expect((await list({ runningOnly: true, recipe: 'even' })).ids).toEqual([28]);
  expect((await list({ environment: 'other' })).ids).toEqual([]);
  expect((await list({ placement: 'p', pageSize: 2 })).ids).toEqual([29, 28]);
  expect((await list({ phases: ['queued', 'failed'] })).ids).toEqual([29, 28, 27]);
  await expect(list({ phases: ['broken'] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: 'there is no phase "broken"' });
  for (const filter of [{ recipe: 'even\0' }, { environment: '\0' }, { placement: 'p\0' }])
    expect(await list(filter)).toEqual({ ids: [], nextPageToken: '' });
});

test.each(['x', 'YmFrZXMgeA', 'YmFrZXMgMTA='])('page token %j is refused', async (pageToken) => {
  await expect(list({ pageToken })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: 'invalid page_token' });
});

test.each([-1, 101])('a page size of %d is refused', async (pageSize) => {
  await expect(list({ pageSize })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: 'page_size must be between 1 and 100' });
});

test('a bake is found by its id or by a prefix of it alone, and only in its own tenant', async () => {
  expect((await identifyRun(db.database, tenant, 'run0000010', ['*'])).id).toBe('run0000010');
  expect((await identifyRun(db.database, 'local/other', 'sec', ['*'])).id).toBe('secretrun0');
  await expect(identifyRun(db.database, tenant, 'run000001', ['*'])).rejects.toMatchObject({ message: 'bake "run000001" is ambiguous' });
  for (const id of ['secretrun0', 'x', '%', '', 'RUN']) {
    await expect(identifyRun(db.database, tenant, id, ['*'])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `bake "${id}" not found`,
    });
  }
});

test('a bake is found among many without looking at them, whatever order the database sorts in', async () => {
  const sorted = await testDatabaseOfALanguage();
  onTestFinished(() => sorted.close());
  await sorted.database.insertInto('tenants').values({ id: tenant }).execute();
  const id = await insertRun(sorted.database, tenant, { id: 'findme0123', ended_at: new Date() });
  const columns =
    'tenant, recipe, environment, placement, build_number, image_name, artifact_name, substrate, scope, phase, inputs, author, ended_at';
  await sorted.pool.query(
    `insert into runs (id, image_hash, ${columns}) select 'r' || lpad(n::text, 9, '0'), n, ${columns} from runs, generate_series(1, 5000) n`,
  );
  await sorted.pool.query('vacuum analyze runs');
  for (const prefix of [id, 'findme'])
    expect(
      await rowsRead(sorted.database, 'runs', async (trx) => expect((await identifyRun(trx, tenant, prefix, ['*'])).id).toBe(id)),
    ).toBe(1);
});
