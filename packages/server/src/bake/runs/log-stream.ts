import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type StreamBakeLogRequest, type StreamBakeLogResponse, StreamBakeLogResponseSchema, refusal } from '@murmur/api';

import type { Database } from '../../database/tables.js';
import type { Changes } from './changes.js';
import { bakeErrors } from '../errors.js';
import { findRun } from './identify-run.js';
import { readLog } from './logs.js';
import { readRun } from './runs.js';
import { bakeOf } from './views.js';

/** In place of what the retention of logs has removed. */
const gone = 'murmur: the log of this bake is no longer kept\n';

/** How long a missed notice can delay a line. */
const lookAgainMs = 1000;

/**
 * A run's stored log from a byte offset on; with `follow` until the run ends. The first message, each that follows a change
 * of phase or attempt, and the last one carry the bake.
 */
export async function* streamLog(
  parts: { database: Database; changes: Changes },
  tenant: string,
  request: Pick<StreamBakeLogRequest, 'runId' | 'offset' | 'follow'>,
  signal: AbortSignal,
): AsyncGenerator<StreamBakeLogResponse> {
  let run = await findRun(parts.database, tenant, request.runId);
  const { id, log_size: size } = run;
  if (request.offset < 0n || request.offset > BigInt(size)) {
    throw refusal(bakeErrors.offsetOutside, [String(size)]);
  }
  using watch = parts.changes.watch(id);
  let offset = Number(request.offset);
  let shown = '';
  while (!signal.aborted) {
    const standing = `${run.phase} ${run.attempt}`;
    if (standing !== shown) yield message('', offset, await bakeOf(parts.database, run));
    shown = standing;
    for (;;) {
      const { nextOffset, pieces } = await readLog(parts.database, id, offset);
      if (nextOffset === offset) break;
      offset = nextOffset;
      for (const { at, text, nextOffset: next } of pieces) {
        yield create(StreamBakeLogResponseSchema, { text, nextOffset: BigInt(next), time: timestampFromDate(at) });
      }
    }
    if (run.ended_at !== null || !request.follow) {
      if (run.ended_at !== null && offset < run.log_size) yield message(gone, run.log_size);
      yield message('', run.ended_at === null ? offset : run.log_size, await bakeOf(parts.database, run));
      return;
    }
    await watch.wait(lookAgainMs, signal);
    // Read before the log: a run that has ended here writes no more of it.
    run = await readRun(parts.database, id);
  }
}

function message(text: string, nextOffset: number, bake?: StreamBakeLogResponse['bake']): StreamBakeLogResponse {
  return create(StreamBakeLogResponseSchema, { text, nextOffset: BigInt(nextOffset), ...(bake === undefined ? {} : { bake }) });
}
