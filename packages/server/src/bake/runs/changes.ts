import type pg from 'pg';
import type { Logger } from 'pino';

import type { Connection } from '../../database/pool.js';
import { runsChannel } from './runs.js';

const reconnectMs = 1000;
/** Nothing is ever asked over this connection, and so nothing would show that its other end is gone. */
const askMs = 15_000;

/** No run has this id. */
const everyRun = '*';

/** Watches one run, or all. Dispose of it when done. */
export interface Watch extends Disposable {
  /** Resolves at a change since the last wait, after `ms` at the latest, or when the signal is aborted. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Tells which runs change, on any server of this database. Notices may be missed: whoever waits also looks now and then. */
export interface Changes {
  watch(runId: string): Watch;
  /** Watches all runs, of every tenant. */
  watchAll(): Watch;
  /** Calls back at every change of any run. */
  listen(listener: () => void): void;
  close(): Promise<void>;
}

/** Listens to PostgreSQL's notices on a connection of its own, and connects again when that is lost. */
export function listenForChanges(connection: Pick<Connection, 'openClient'>, log: Logger): Changes {
  const waiting = new Map<string, Set<() => void>>();
  const listeners: (() => void)[] = [];
  let closed = false;
  let client: pg.Client | undefined;
  let retry: NodeJS.Timeout | undefined;

  const connect = async (): Promise<void> => {
    const opened = connection.openClient({ name: 'murmur changes' });
    client = opened;
    let asking: NodeJS.Timeout | undefined;
    const again = (error?: Error) => {
      clearInterval(asking);
      if (closed || client !== opened) return;
      client = undefined;
      if (error !== undefined) log.debug({ err: error }, 'lost the connection for notices');
      opened.end().catch((cause: unknown) => log.trace({ err: cause }, 'a lost connection did not end'));
      retry = setTimeout(() => void connect(), reconnectMs);
    };
    opened.on('error', again).on('end', () => again());
    opened.on('notification', ({ payload = '' }) => {
      for (const key of [payload, everyRun]) for (const wake of waiting.get(key) ?? []) wake();
      for (const listener of listeners) listener();
    });
    try {
      await opened.connect();
      await opened.query(`listen ${runsChannel}`);
      asking = setInterval(() => void opened.query('select 1').catch(again), askMs);
    } catch (error) {
      again(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const connected = connect();

  return {
    watch: (runId) => watchOf(waiting, runId),
    watchAll: () => watchOf(waiting, everyRun),
    listen: (listener) => void listeners.push(listener),
    async close() {
      closed = true;
      clearTimeout(retry);
      await connected;
      await client?.end();
    },
  };
}

function watchOf(waiting: Map<string, Set<() => void>>, runId: string): Watch {
  let changed = false;
  let resume: (() => void) | undefined;
  const wake = () => {
    changed = true;
    resume?.();
  };
  const watchers = waiting.get(runId) ?? new Set();
  waiting.set(runId, watchers.add(wake));
  return {
    async wait(ms, signal) {
      if (!changed && signal?.aborted !== true) {
        await new Promise<void>((resolve) => {
          const done = () => {
            clearTimeout(timer);
            signal?.removeEventListener('abort', done);
            resolve();
          };
          const timer = setTimeout(done, ms);
          signal?.addEventListener('abort', done);
          resume = done;
        });
      }
      resume = undefined;
      changed = false;
    },
    [Symbol.dispose]() {
      watchers.delete(wake);
      if (watchers.size === 0) waiting.delete(runId);
    },
  };
}
