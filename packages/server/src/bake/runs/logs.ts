import { type Selectable, sql, type Updateable } from 'kysely';

import type { Database, DatabaseTransaction, Queryable, Tables } from '../../database/tables.js';
import { type Holder, type Lease, RunLost } from './lease.js';
import { notifyRun } from './runs.js';

/** The most text of one row, in UTF-16 units. */
const pieceLength = 64 * 1024;

/** What a log keeps: a script that prints without end must not fill the database. */
const mostBytes = 64 * 1024 * 1024;
const fullNotice = '[murmur: the log is longer than 64 MiB; what follows is not kept]\n';

/** The most that an error quotes of a log's end, in UTF-16 units. */
const tailLength = 2048;

/**
 * Appends redacted text to a run's log and, in the same transaction, notes how much of the guest's output it stands for. So
 * whatever is repeated after a crash starts exactly where the stored log ends. A log that has got too long only remembers
 * its last lines from there on.
 */
export async function appendLog(database: Database, lease: Lease, text: string, guestOffset?: number): Promise<void> {
  // PostgreSQL's text holds no NUL.
  const shown = text.replaceAll('\0', '\uFFFD');
  await append(database, lease, async (trx, log) => {
    const offset = guestOffset === undefined ? {} : { guest_offset: guestOffset };
    const whole = log.log_tail === null && log.log_size + Buffer.byteLength(shown) <= mostBytes;
    if (whole) return { text: shown, changes: offset };
    const before = log.log_tail ?? (await lastText(trx, lease.runId, shownRows));
    const kept = log.log_tail === null ? endingOf(before, shown, mostBytes - log.log_size) : '';
    return { text: kept, changes: { ...offset, log_tail: `${before}${shown}`.slice(-tailLength) } };
  });
}

/** The last of the text that is kept, and the line that says so. */
function endingOf(before: string, text: string, room: number): string {
  const bytes = Buffer.from(text);
  let end = Math.max(0, room);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  const kept = bytes.subarray(0, end).toString();
  return `${kept}${midLine(kept === '' ? before : kept) ? '\n' : ''}${fullNotice}`;
}

type LogState = Pick<Selectable<Tables['runs']>, 'log_size' | 'log_tail'>;

async function append(
  queryable: Queryable,
  lease: Holder,
  decide: (trx: DatabaseTransaction, log: LogState) => Promise<{ text: string; changes: Updateable<Tables['runs']> }>,
): Promise<void> {
  await within(queryable, async (trx) => {
    const log = await trx
      .selectFrom('runs')
      .select(['log_size', 'log_tail'])
      .where('id', '=', lease.runId)
      .where('executor', 'is not distinct from', lease.executor)
      .where('epoch', '=', lease.epoch)
      .where('ended_at', 'is', null)
      .forUpdate()
      .executeTakeFirst();
    if (log === undefined) throw new RunLost(lease.runId);
    await write(trx, lease.runId, log.log_size, await decide(trx, log));
  });
}

async function write(
  trx: DatabaseTransaction,
  runId: string,
  from: number,
  { changes, text }: { text: string; changes: Updateable<Tables['runs']> },
): Promise<void> {
  let start = from;
  for (const piece of pieces(text)) {
    await trx.insertInto('run_log').values({ run_id: runId, start_offset: start, text: piece }).execute();
    start += Buffer.byteLength(piece);
  }
  await trx
    .updateTable('runs')
    .set({ ...changes, log_size: start })
    .where('id', '=', runId)
    .execute();
  if (text !== '') await notifyRun(trx, runId);
}

/** Text of a stored log that was written at about the same time. */
export interface LogPiece {
  readonly text: string;
  readonly at: Date;
  /** Where what follows it starts, in bytes. */
  readonly nextOffset: number;
}

/** What is written within this time is one piece, in milliseconds. */
const sameTimeMs = 1000;

/** The stored log from a byte offset on, up to about 1 MiB of it; an offset within a character starts at the next one. */
export async function readLog(
  queryable: Queryable,
  runId: string,
  offset: number,
): Promise<{ text: string; pieces: readonly LogPiece[]; nextOffset: number }> {
  const rows = await queryable
    .selectFrom('run_log')
    .select(['start_offset', 'text', 'at'])
    .where('run_id', '=', runId)
    // From the piece that holds the offset, which the index finds; nothing before it is looked at.
    .where('start_offset', '>=', (pieces) =>
      pieces
        .selectFrom('run_log as earlier')
        .select((expression) => expression.fn.coalesce(expression.fn.max('earlier.start_offset'), sql<number>`0`).as('start'))
        .where('earlier.run_id', '=', runId)
        .where('earlier.start_offset', '<=', offset),
    )
    .where(sql<boolean>`start_offset + octet_length(text) > ${offset}`)
    .orderBy('start_offset')
    .limit(16)
    .execute();
  const read: LogPiece[] = [];
  for (const row of rows) {
    const bytes = Buffer.from(row.text);
    let begin = Math.max(0, offset - row.start_offset);
    while (begin < bytes.length && ((bytes[begin] ?? 0) & 0xc0) === 0x80) begin += 1;
    const piece: LogPiece = { text: bytes.subarray(begin).toString(), at: row.at, nextOffset: row.start_offset + bytes.length };
    const last = read.at(-1);
    if (last !== undefined && row.at.getTime() - last.at.getTime() < sameTimeMs) {
      read[read.length - 1] = { ...piece, text: `${last.text}${piece.text}`, at: last.at };
    } else read.push(piece);
  }
  return { text: read.map(({ text }) => text).join(''), pieces: read, nextOffset: read.at(-1)?.nextOffset ?? offset };
}

/** The last lines that a run's script printed, also where the log was too long to keep them: for an error message. */
export async function lastLines(queryable: Queryable, runId: string, count: number): Promise<string> {
  const { log_tail: tail } = await queryable.selectFrom('runs').select('log_tail').where('id', '=', runId).executeTakeFirstOrThrow();
  const text = tail ?? (await lastText(queryable, runId, shownRows));
  return text.slice(-tailLength).trimEnd().split('\n').slice(-count).join('\n');
}

/** Lines come one a row where a script prints slowly, and an error shows about this many. */
const shownRows = 10;

async function lastText(queryable: Queryable, runId: string, rowCount: number): Promise<string> {
  const rows = await queryable
    .selectFrom('run_log')
    .select(sql<string>`right(text, ${sql.lit(tailLength)})`.as('text'))
    .where('run_id', '=', runId)
    .orderBy('start_offset', 'desc')
    .limit(rowCount)
    .execute();
  return rows
    .map((row) => row.text)
    .toReversed()
    .join('');
}

/** The last line of each of these logs that says something, without control characters, no longer than this. */
export async function shownLines(queryable: Queryable, runIds: readonly string[], length: number): Promise<ReadonlyMap<string, string>> {
  const lines = new Map<string, string>();
  for (const id of runIds) {
    const text = await lastText(queryable, id, 4);
    const plain = text.replaceAll(escapes, '').split(/[\r\n]/);
    const line = plain.findLast((one) => /\S/.test(one)) ?? '';
    lines.set(
      id,
      line
        .replaceAll(/\p{Cc}|\p{Surrogate}/gu, ' ')
        .trim()
        .slice(0, length),
    );
  }
  return lines;
}

/** The sequences by which a program colours its text and moves about on a terminal. */
// oxlint-disable-next-line no-control-regex -- they begin with one
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

function* pieces(text: string): Iterable<string> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(text.length, start + pieceLength);
    // Never between the two halves of one character.
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}

/** Appends a remark of Murmur's own, on a line by itself. There are few of them, so a log that is too long still takes them. */
export async function remark(queryable: Queryable, lease: Holder, text: string): Promise<void> {
  const line = `murmur: ${text.replaceAll('\0', '\uFFFD')}\n`;
  await append(queryable, lease, async (trx) => {
    const before = await lastText(trx, lease.runId, 1);
    // Said already, and only the answer to that was lost.
    const said = before === line.slice(-tailLength) || before === `\n${line}`.slice(-tailLength);
    return { text: said ? '' : `${midLine(before) ? '\n' : ''}${line}`, changes: {} };
  });
}

/** In the transaction that there is, or else in one of its own. */
function within(queryable: Queryable, work: (trx: DatabaseTransaction) => Promise<void>): Promise<void> {
  return queryable.isTransaction ? work(queryable as DatabaseTransaction) : queryable.transaction().execute(work);
}

function midLine(text: string): boolean {
  return text !== '' && !text.endsWith('\n');
}
