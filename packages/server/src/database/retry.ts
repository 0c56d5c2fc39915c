import { setTimeout as delay } from 'node:timers/promises';

import type { Logger } from 'pino';

import { isDatabaseOutage } from './outage.js';

const pauseMs = 1000;
/** An outage of hours is not a line a second. */
const sayAgainMs = 55_000;

/** How work waits for the database. */
export interface Retrying {
  readonly log: Logger;
  /** Says that nobody waits any more: the error is thrown then. */
  readonly over?: () => boolean;
  /** Between two tries, in milliseconds; a second unless given. */
  readonly pauseMs?: number;
}

/**
 * Repeats work for as long as the database is out of reach, however long that is, so that no outage decides about a bake. What is
 * wrong for another reason is thrown at once.
 */
export async function retryOutages<T>(retrying: Retrying, work: () => Promise<T>): Promise<T> {
  let saidAt = -Infinity;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isDatabaseOutage(error) || retrying.over?.() === true) throw error;
      if (performance.now() - saidAt > sayAgainMs) {
        saidAt = performance.now();
        retrying.log.warn({ err: error }, 'the database is out of reach; a bake waits for it');
      }
      // A server that stops in the meantime is not held up.
      await delay(retrying.pauseMs ?? pauseMs, undefined, { ref: false });
    }
  }
}
