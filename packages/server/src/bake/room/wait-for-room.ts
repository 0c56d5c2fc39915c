import { setTimeout as delay } from 'node:timers/promises';

import { refusal } from '@murmur/api';

import type { Database } from '../../database/tables.js';
import { imageCallErrors } from '../images/errors.js';
import type { Admission } from './admission.js';
import { waits } from './claims.js';
import { waitsFor } from './queue.js';

const pauseMs = 1000;

/** What somebody waits for at a terminal, and how long they do. */
export interface WaitingForRoom {
  readonly id: string;
  readonly mostMs: number;
  readonly signal: AbortSignal;
}

/**
 * Waits until a machine in the queue is let in. Says what it waits for when that changes. Throws RESOURCE_EXHAUSTED when the time
 * is over.
 */
export async function* waitForRoom(
  { admission, database }: { admission: Pick<Admission, 'look'>; database: Database },
  { id, mostMs, signal }: WaitingForRoom,
): AsyncGenerator<string> {
  const until = performance.now() + mostMs;
  let told = '';
  for (;;) {
    await admission.look();
    if (!(await waits(database, id))) return;
    const reason = (await waitsFor(database, id)) ?? told;
    if (reason !== told) yield reason;
    told = reason;
    if (performance.now() > until) {
      throw refusal(imageCallErrors.noRoom, [reason]);
    }
    await delay(pauseMs, undefined, { signal });
  }
}
