import type { RequestListener } from 'node:http';
import {
  constants,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';

import { maxCallsOfConnection } from './connections.js';

/** Frames that make no sense, and streams beyond the allowed number, that a client may send before its session ends. */
const maxFaults = 100;

/** A server of HTTP/2 that watches its sessions. */
export interface BoundedHttp2 {
  readonly server: Http2Server;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
}

/** HTTP/2 held to the patience that Node builds into HTTP/1.1, and to a number of calls at once. */
export function boundedHttp2(handler: RequestListener, patienceMs: number): BoundedHttp2 {
  const settings = { maxConcurrentStreams: maxCallsOfConnection };
  const server = createServer(
    { settings, maxSessionInvalidFrames: maxFaults, maxSessionRejectedStreams: maxFaults },
    // It takes both kinds of request; only their declared types differ.
    handler as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void,
  );
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    // This ends a silent session that has no call; the calls of another go on, and the next one opens a new session.
    session.setTimeout(patienceMs, () => session.close());
  });
  server.on('stream', (stream) => {
    const limit = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), patienceMs);
    const received = () => clearTimeout(limit);
    stream.once('end', received).once('close', received);
  });
  return { server, sessions };
}
