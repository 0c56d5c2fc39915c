import { setTimeout as delay } from 'node:timers/promises';

import type { Logger } from 'pino';

import { isDatabaseOutage } from '../../database/outage.js';

const pauseMs = 1000;

/** Repeats work for as long as the database is out of reach, so that no outage decides about a bake. */
export async function outlast<T>(log: Logger, work: () => Promise<T>, betweenMs: number = pauseMs): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isDatabaseOutage(error)) throw error;
      log.warn({ err: error }, 'the database is out of reach; a bake waits for it');
      // A server that stops in the meantime is not held up.
      await delay(betweenMs, undefined, { ref: false });
    }
  }
}
