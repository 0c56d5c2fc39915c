import { sql } from 'kysely';

import type { Database, Queryable } from '../database/tables.js';
import { type Lease, RunLost } from './lease.js';
import { notifyRun } from './runs.js';

/** The most text of one row, in UTF-16 units. */
const pieceLength = 64 * 1024;

/**
 * Appends redacted text to a run's log and, in the same transaction, notes how much of the guest's output it stands for. So
 * whatever is repeated after a crash starts exactly where the stored log ends.
 */
export async function appendLog(database: Database, lease: Lease, text: string, guestOffset?: number): Promise<void> {
  // PostgreSQL's text holds no NUL.
  const stored = text.replaceAll('\0', '\uFFFD');
  await database.transaction().execute(async (trx) => {
    const size = Buffer.byteLength(stored);
    const row = await trx
      .updateTable('runs')
      .set({ log_size: sql<number>`log_size + ${size}`, ...(guestOffset === undefined ? {} : { guest_offset: guestOffset }) })
      .where('id', '=', lease.runId)
      .where('executor', '=', lease.executor)
      .where('epoch', '=', lease.epoch)
      .where('ended_at', 'is', null)
      .returning('log_size')
      .executeTakeFirst();
    if (row === undefined) throw new RunLost(lease.runId);
    let start = row.log_size - size;
    for (const piece of pieces(stored)) {
      await trx.insertInto('run_log').values({ run_id: lease.runId, start_offset: start, text: piece }).execute();
      start += Buffer.byteLength(piece);
    }
    if (size > 0) await notifyRun(trx, lease.runId);
  });
}

/** The stored log from a byte offset on, up to about 1 MiB of it; an offset within a character starts at the next one. */
export async function readLog(queryable: Queryable, runId: string, offset: number): Promise<{ text: string; nextOffset: number }> {
  const rows = await queryable
    .selectFrom('run_log')
    .select(['start_offset', 'text'])
    .where('run_id', '=', runId)
    .where(sql<boolean>`start_offset + octet_length(text) > ${offset}`)
    .orderBy('start_offset')
    .limit(16)
    .execute();
  const [first] = rows;
  if (first === undefined) return { text: '', nextOffset: offset };
  const bytes = Buffer.from(rows.map((row) => row.text).join(''));
  let begin = Math.max(0, offset - first.start_offset);
  while (begin < bytes.length && ((bytes[begin] ?? 0) & 0xc0) === 0x80) begin += 1;
  return { text: bytes.subarray(begin).toString(), nextOffset: first.start_offset + bytes.length };
}

/** The last lines of a run's log, without its own remarks' trailing newline: for an error message. */
export async function lastLines(queryable: Queryable, runId: string, count: number): Promise<string> {
  const rows = await queryable
    .selectFrom('run_log')
    .select('text')
    .where('run_id', '=', runId)
    .orderBy('start_offset', 'desc')
    .limit(count)
    .execute();
  const text = rows
    .map((row) => row.text)
    .toReversed()
    .join('');
  return text.slice(-2048).trimEnd().split('\n').slice(-count).join('\n');
}

function* pieces(text: string): Iterable<string> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(text.length, start + pieceLength);
    // Never between the two halves of one character.
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}

/** Appends a remark of Murmur's own, on a line by itself. */
export async function remark(database: Database, lease: Lease, text: string): Promise<void> {
  const last = await database
    .selectFrom('run_log')
    .select(sql<string>`right(text, 1)`.as('end'))
    .where('run_id', '=', lease.runId)
    .orderBy('start_offset', 'desc')
    .limit(1)
    .executeTakeFirst();
  await appendLog(database, lease, `${last === undefined || last.end === '\n' ? '' : '\n'}murmur: ${text}\n`);
}
