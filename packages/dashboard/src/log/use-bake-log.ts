import type { Bake } from '@murmur/api';
import { useEffect, useRef, useState } from 'react';

import { api } from '../app/transport.js';
import { type StreamState, useStream } from '../live/use-stream.js';
import { millis } from '../parts/time.js';
import { LogLines } from './log-lines.js';

/** A bake and its log as they come. */
export interface FollowedBake {
  readonly bake: Bake | undefined;
  readonly log: LogLines;
  /** Changes whenever the log has grown. */
  readonly version: number;
  readonly stream: StreamState;
}

/** Follows a bake and its log from the beginning to its end, over connections that break. */
export function useBakeLog(runId: string): FollowedBake {
  const [bake, setBake] = useState<Bake>();
  const [version, setVersion] = useState(0);
  const [followed, setFollowed] = useState(() => ({ runId, log: new LogLines() }));
  if (followed.runId !== runId) {
    setFollowed({ runId, log: new LogLines() });
    setBake(undefined);
  }
  const offset = useRef({ runId, at: 0n });
  const frame = useRef(0);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);

  const stream = useStream(
    runId,
    (signal) => {
      if (offset.current.runId !== runId) offset.current = { runId, at: 0n };
      return api.streamBakeLog({ runId, offset: offset.current.at, follow: true }, { signal });
    },
    ({ bake: now, nextOffset, text, time }) => {
      offset.current.at = nextOffset;
      followed.log.append(text, time === undefined ? undefined : millis(time));
      if (now !== undefined) setBake(now);
      // However much comes at once, it is shown once a frame.
      if (text !== '') {
        cancelAnimationFrame(frame.current);
        frame.current = requestAnimationFrame(() => setVersion((last) => last + 1));
      }
    },
  );
  return { bake, log: followed.log, version, stream };
}
