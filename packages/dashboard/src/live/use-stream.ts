import { Code, ConnectError } from '@connectrpc/connect';
import { useEffect, useEffectEvent, useState } from 'react';

import { session } from '../app/session.js';
import { endIfWorthless } from '../app/transport.js';

/** How a stream is: it flows, is being opened again, has come to its end, or cannot go on. */
export type StreamState = { readonly state: 'open' | 'reconnecting' | 'ended' } | { readonly state: 'refused'; readonly error: unknown };

/** What trying again cannot mend. */
const final = [
  Code.NotFound,
  Code.PermissionDenied,
  Code.InvalidArgument,
  Code.Unauthenticated,
  Code.Unimplemented,
  Code.FailedPrecondition,
];

const longestPauseMs = 5000;

/**
 * Follows a stream of the server for as long as this is on the page, and opens it again when it breaks. While nobody looks at
 * the tab it is closed: a browser has few connections for all tabs of a server together.
 *
 * `key` says what is followed; `undefined` follows nothing.
 */
export function useStream<Message>(
  key: string | undefined,
  open: (signal: AbortSignal) => AsyncIterable<Message>,
  onMessage: (message: Message) => void,
): StreamState {
  const [stream, setStream] = useState<StreamState>({ state: 'open' });
  const start = useEffectEvent(open);
  const take = useEffectEvent(onMessage);

  useEffect(() => {
    if (key === undefined) return undefined;
    const over = new AbortController();
    void follow(over.signal);
    return () => over.abort();

    async function follow(signal: AbortSignal): Promise<void> {
      setStream({ state: 'open' });
      for (let failures = 0; !signal.aborted;) {
        await visible(signal);
        const turn = new AbortController();
        const hide = (): void => {
          if (document.visibilityState === 'hidden') turn.abort();
        };
        document.addEventListener('visibilitychange', hide);
        const used = session()?.token;
        try {
          for await (const message of start(AbortSignal.any([signal, turn.signal]))) {
            if (failures > 0) setStream({ state: 'open' });
            failures = 0;
            take(message);
          }
          if (signal.aborted || turn.signal.aborted) continue;
          setStream({ state: 'ended' });
          return;
        } catch (error) {
          if (signal.aborted) return;
          if (turn.signal.aborted) continue;
          endIfWorthless(error, used);
          if (error instanceof ConnectError && final.includes(error.code)) {
            setStream({ state: 'refused', error });
            return;
          }
          failures += 1;
          setStream({ state: 'reconnecting' });
          await pause(Math.min(250 * 2 ** failures, longestPauseMs), signal);
        } finally {
          document.removeEventListener('visibilitychange', hide);
        }
      }
    }
  }, [key]);

  return stream;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      window.clearTimeout(timer);
      resolve();
    });
  });
}

function visible(signal: AbortSignal): Promise<void> {
  if (document.visibilityState === 'visible' || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      if (document.visibilityState === 'hidden' && !signal.aborted) return;
      document.removeEventListener('visibilitychange', done);
      resolve();
    };
    document.addEventListener('visibilitychange', done);
    signal.addEventListener('abort', done);
  });
}
