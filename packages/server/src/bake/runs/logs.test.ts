import { create } from '@bufbuild/protobuf';
import { StreamBakeLogRequestSchema } from '@murmur/api';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { rowsRead, testDatabase, type TestDatabase } from '../../database/testing.js';
import type { Queryable } from '../../database/tables.js';
import { type Changes, listenForChanges } from './changes.js';
import { streamLog } from './log-stream.js';
import { appendLog, lastLines, readLog, remark } from './logs.js';
import { RunLost } from './lease.js';
import { endRun, readRun } from './runs.js';
import { insertRun } from './testing-runs.js';

const tenant = 'local/default';

let db: TestDatabase;
let changes: Changes;
beforeAll(async () => {
  db = await testDatabase();
  await db.database.insertInto('tenants').values({ id: tenant }).execute();
  changes = listenForChanges(db, pino({ level: 'silent' }));
});
afterAll(async () => {
  await changes.close();
  await db.close();
});

async function newLease() {
  return { runId: await insertRun(db.database, tenant), executor: 'e', epoch: 0 };
}

const never = new AbortController().signal;

test('a log is read from any byte on, and an offset within a character starts at the next one', async () => {
  const lease = await newLease();
  await appendLog(db.database, lease, 'aé\n', 4);
  await appendLog(db.database, lease, 'second\n', 11);
  expect(await readLog(db.database, lease.runId, 0)).toMatchObject({ text: 'aé\nsecond\n', nextOffset: 11 });
  expect(await readLog(db.database, lease.runId, 2)).toMatchObject({ text: '\nsecond\n', nextOffset: 11 });
  expect(await readLog(db.database, lease.runId, 6)).toMatchObject({ text: 'cond\n', nextOffset: 11 });
  expect(await readLog(db.database, lease.runId, 11)).toMatchObject({ text: '', nextOffset: 11 });
  const run = await db.database.selectFrom('runs').select(['guest_offset', 'log_size']).where('id', '=', lease.runId).executeTakeFirst();
  expect(run).toEqual({ guest_offset: 11, log_size: 11 });
});

test('the end of a long log is read without its beginning', async () => {
  const lease = await newLease();
  const piece = (n: number) => ({ run_id: lease.runId, start_offset: n * 5, text: 'line\n' });
  await db.database
    .insertInto('run_log')
    .values(Array.from({ length: 5000 }, (_, n) => piece(n)))
    .execute();
  await db.pool.query('vacuum analyze run_log');
  const read = (offset: number) => (trx: Queryable) => readLog(trx, lease.runId, offset);
  expect(await readLog(db.database, lease.runId, 24_992)).toMatchObject({ text: 'ne\nline\n', nextOffset: 25_000 });
  expect(await rowsRead(db.database, 'run_log', read(24_992))).toBeLessThan(10);
  expect(await rowsRead(db.database, 'run_log', read(25_000))).toBeLessThan(10);
  expect(await rowsRead(db.database, 'run_log', read(10_000))).toBeLessThan(50);
});

test('a remark that is made again, because the answer to it was lost, stands there once', async () => {
  const lease = await newLease();
  await appendLog(db.database, lease, 'no end');
  for (const text of ['first', 'first', 'second', 'second', 'first']) await remark(db.database, lease, text);
  expect((await readLog(db.database, lease.runId, 0)).text).toBe('no end\nmurmur: first\nmurmur: second\nmurmur: first\n');
});

test('a large piece is stored in parts that no character lies across, and NUL is shown as a replacement', async () => {
  const lease = await newLease();
  const text = `${'x'.repeat(65_535)}${'😀'.repeat(70_000)}\0end`;
  await appendLog(db.database, lease, text);
  let read = '';
  for (let offset = 0; ;) {
    const piece = await readLog(db.database, lease.runId, offset);
    if (piece.nextOffset === offset) break;
    read += piece.text;
    offset = piece.nextOffset;
  }
  expect(read === text.replace('\0', '\uFFFD')).toBe(true);
});

test('a log stops at 64 MiB and says so once, while the output goes on being taken and its last lines are known', async () => {
  const lease = await newLease();
  const most = 64 * 1024 * 1024;
  await appendLog(db.database, lease, 'begin', 5);
  await db.database
    .updateTable('runs')
    .set({ log_size: most - 6 })
    .where('id', '=', lease.runId)
    .execute();
  await appendLog(db.database, lease, 'abc\néé\n', 100);
  await appendLog(db.database, lease, 'not kept\n', 200);
  await remark(db.database, lease, 'attempt 1 of 3 failed: a storm');
  await appendLog(db.database, lease, 'the real\nlast line\n', 300);

  const notice = '[murmur: the log is longer than 64 MiB; what follows is not kept]\n';
  const stored = `abc\né\n${notice}murmur: attempt 1 of 3 failed: a storm\n`;
  expect(await readLog(db.database, lease.runId, most - 6)).toMatchObject({
    text: stored,
    nextOffset: most - 6 + Buffer.byteLength(stored),
  });
  expect(await readRun(db.database, lease.runId)).toMatchObject({ guest_offset: 300, log_size: most - 6 + Buffer.byteLength(stored) });
  expect(await lastLines(db.database, lease.runId, 4)).toBe('éé\nnot kept\nthe real\nlast line');
});

test('who lost the run writes nothing', async () => {
  const lease = await newLease();
  await expect(appendLog(db.database, { ...lease, epoch: 1 }, 'late\n')).rejects.toThrow(RunLost);
  await expect(appendLog(db.database, { ...lease, executor: 'other' }, 'late\n')).rejects.toThrow(RunLost);
  expect((await readLog(db.database, lease.runId, 0)).text).toBe('');
});

test('an error with a NUL ends its run', async () => {
  const lease = await newLease();
  await db.database.transaction().execute((trx) => endRun(trx, lease, { phase: 'failed', error: 'a\0b' }));
  expect((await readRun(db.database, lease.runId)).error).toBe('a\uFFFDb');
});

test('remarks stand on lines of their own, and the last lines are found across pieces', async () => {
  const lease = await newLease();
  for (const text of ['one\ntw', 'o\nthree']) await appendLog(db.database, lease, text);
  expect(await lastLines(db.database, lease.runId, 2)).toBe('two\nthree');
  await remark(db.database, lease, 'well');
  await remark(db.database, lease, 'done');
  expect((await readLog(db.database, lease.runId, 0)).text).toBe('one\ntwo\nthree\nmurmur: well\nmurmur: done\n');
});

test('a follower sees every line once, each change of phase, and ends with the run', async () => {
  const lease = await newLease();
  await appendLog(db.database, lease, 'before\n');
  const messages: [string, string | undefined][] = [];
  const offsets: bigint[] = [];
  const following = (async () => {
    const request = create(StreamBakeLogRequestSchema, { runId: lease.runId, follow: true });
    for await (const { text, bake, nextOffset } of streamLog({ database: db.database, changes }, tenant, request, never)) {
      messages.push([text, bake?.phase]);
      offsets.push(nextOffset);
      if (text === 'before\n') await appendLog(db.database, lease, 'during\n');
      if (text === 'during\n') await db.database.transaction().execute((trx) => endRun(trx, lease, { phase: 'failed', error: 'no' }));
    }
  })();
  await following;
  expect(messages).toEqual([
    ['', 'queued'],
    ['before\n', undefined],
    ['during\n', undefined],
    ['', 'failed'],
    ['', 'failed'],
  ]);
  expect(offsets).toEqual([0n, 7n, 14n, 14n, 14n]);
});

test('without follow the stream ends where the log does, and an offset beyond it is refused', async () => {
  const lease = await newLease();
  await appendLog(db.database, lease, 'line\n');
  const read = async (offset: bigint) => {
    const request = create(StreamBakeLogRequestSchema, { runId: lease.runId, offset });
    let text = '';
    for await (const message of streamLog({ database: db.database, changes }, tenant, request, never)) text += message.text;
    return text;
  };
  expect(await read(2n)).toBe('ne\n');
  await expect(read(6n)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: 'offset must be between 0 and 5' });
});

test('a follower who leaves is let go at once', async () => {
  const lease = await newLease();
  const leaving = new AbortController();
  const request = create(StreamBakeLogRequestSchema, { runId: lease.runId, follow: true });
  for await (const { bake } of streamLog({ database: db.database, changes }, tenant, request, leaving.signal)) {
    expect(bake?.phase).toBe('queued');
    leaving.abort();
  }
});
