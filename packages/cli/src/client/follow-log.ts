import { setTimeout as delay } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Bake } from '@murmur/api';

import { isWorthRetrying } from './connection-faults.js';
import type { MurmurClient } from './connect.js';

/** A piece of a bake's log, or news of the bake itself. */
export interface LogPiece {
  readonly text: string;
  readonly bake: Bake | undefined;
}

/** What to follow, and how patiently. */
export interface FollowOptions {
  readonly runId: string;
  /** Without it the log is printed as it is now. */
  readonly mode: 'follow' | 'print';
  readonly signal: AbortSignal;
  /** Told once for every lost connection. */
  onLost(): void;
  /** How long to go on trying to reach the server again, in milliseconds. */
  readonly patience?: number;
}

const firstPause = 100;
const longestPause = 2000;
const defaultPatience = 10 * 60_000;

/**
 * A bake's log from its beginning, and with `follow` until the bake has ended. A lost connection or a restarted server
 * does not show in it: the stream resumes at the byte after the last one that arrived.
 */
export async function* followLog(client: MurmurClient, options: FollowOptions): AsyncGenerator<LogPiece> {
  const { runId, signal } = options;
  const follow = options.mode === 'follow';
  let offset = 0n;
  let pause = firstPause;
  let lostAt: number | undefined;
  for (;;) {
    let arrived = false;
    try {
      let ended = false;
      for await (const message of client.streamBakeLog({ runId, offset, follow }, { signal })) {
        arrived = true;
        offset = message.nextOffset;
        ended ||= message.bake?.endTime !== undefined;
        lostAt = undefined;
        pause = firstPause;
        yield { text: message.text, bake: message.bake };
      }
      // A server that stops politely ends its streams too, so the end of a stream is not yet the end of the bake.
      if (!follow || ended) return;
    } catch (thrown) {
      // A stream ends with the token it was asked for with. If there is a next one, the client sends that.
      if (arrived && !signal.aborted && thrown instanceof ConnectError && thrown.code === Code.Unauthenticated) continue;
      if (signal.aborted || !isWorthRetrying(thrown)) throw thrown;
      if (lostAt === undefined) options.onLost();
      lostAt ??= performance.now();
      if (performance.now() - lostAt > (options.patience ?? defaultPatience)) throw thrown;
    }
    await delay(pause, undefined, { signal });
    pause = Math.min(pause * 2, longestPause);
  }
}
