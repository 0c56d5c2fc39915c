import { setTimeout as delay } from 'node:timers/promises';

import type { Logger } from 'pino';
import type pg from 'pg';

import { unhurried } from './client.js';
import type { Connection } from './pool.js';

// 'murmur' in ASCII, and one more.
const lockKey = 0x6d75726d7573;
const askAgainMs = 100;

/**
 * Does work that servers which start at the same time must do one after the other. They ask for their turn again and again
 * instead of waiting in the database: an index that is made concurrently waits for whoever waits there, and so they would wait for
 * each other. A server that dies in its turn loses it with its connection.
 */
export async function inTurn<T>(connection: Pick<Connection, 'openClient'>, log: Logger, work: () => Promise<T>): Promise<T> {
  const client = connection.openClient({ name: 'murmur start', limits: unhurried });
  await client.connect();
  try {
    for (let asked = 0; !(await isOurs(client)); asked += 1) {
      if (asked === 10) log.info('another server prepares the database; waiting for it');
      await delay(askAgainMs);
    }
    return await work();
  } finally {
    await client.end();
  }
}

async function isOurs(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ ours: boolean }>('select pg_try_advisory_lock($1) as ours', [lockKey]);
  return rows[0]?.ours === true;
}
