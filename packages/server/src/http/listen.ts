import { createServer as createHttpServer, type RequestListener } from 'node:http';
import {
  constants,
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import { createServer as createNetServer, type AddressInfo, type Socket } from 'node:net';

import { MurmurError } from '@murmur/api';
import type { Logger } from 'pino';

/** The first bytes of every HTTP/2 connection without TLS (RFC 9113, section 3.4). */
const http2Preface = Buffer.from('PRI * HTTP/2.0');

/** How long a client may take to say what it wants: whoever stays silent, or sends byte by byte, must not hold a connection. */
const defaultPatienceMs = 60_000;

/** How long answers may take to go out once the server stops. */
const stopGraceMs = 500;

/** An open port that answers HTTP/1.1 and HTTP/2. */
export interface Listener {
  /** Such as `http://127.0.0.1:7007`. */
  readonly url: string;
  /** Takes no new connection, lets unary calls finish for a moment and drops the rest. */
  close(): Promise<void>;
}

/** What a listener needs beside its handler. */
export interface ListenOptions {
  readonly log: Logger;
  /** How long a client may take over a request, in milliseconds; a minute unless given. Answers may take any time. */
  readonly patienceMs?: number;
}

/** Splits `host:port`, `:port` or `[::1]:port`. Throws INVALID_ARGUMENT for anything else. */
export function parseListenAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[(?<six>[0-9a-fA-F:]+)\]|(?<host>[^:[\]]*)):(?<port>\d{1,5})$/.exec(address);
  const port = Number(match?.groups?.['port'] ?? Number.NaN);
  if (match === null || !(port <= 65_535)) {
    throw new MurmurError('INVALID_ARGUMENT', `--listen "${address}" is not HOST:PORT`, { hint: 'Write it like 127.0.0.1:7007.' });
  }
  return { host: match.groups?.['six'] ?? (match.groups?.['host'] || '127.0.0.1'), port };
}

/**
 * Serves one handler on one port over both protocols: gRPC needs HTTP/2, curl and browsers speak HTTP/1.1. The first
 * bytes of a connection tell which it is.
 */
export async function listen(address: string, handler: RequestListener, options: ListenOptions): Promise<Listener> {
  const { host, port } = parseListenAddress(address);
  const { log, patienceMs = defaultPatienceMs } = options;
  const http1 = createHttpServer({ requestTimeout: patienceMs, connectionsCheckingInterval: Math.min(patienceMs, 5000) }, handler);
  // It watches the time only once it hears that it listens, which here another server does for it.
  http1.emit('listening');
  // The adapter takes both kinds of request; only their declared types differ.
  const http2 = createHttp2Server(handler as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void);
  // Whoever asks before sending a body is told to go on once the body is wanted.
  for (const protocol of [http1, http2]) protocol.on('checkContinue', handler);
  const sessions = limitSessions(http2, patienceMs);
  const sockets = new Set<Socket>();
  // Small messages of a stream must not wait for each other, and a peer that vanished must not hold a stream for ever.
  const server = createNetServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', (cause) => log.debug({ err: cause }, 'a connection broke'));
    sniff(socket, patienceMs, (preface) => (preface ? http2 : http1).emit('connection', socket));
  });
  await new Promise<void>((resolve, reject) => {
    const refused = (cause: NodeJS.ErrnoException) => reject(listenError(cause, address));
    server.once('error', refused);
    server.listen(port, host, () => {
      server.off('error', refused);
      resolve();
    });
  });
  // Such as no free file descriptor for another connection. The open ones are well.
  server.on('error', (cause) => log.error({ err: cause }, 'a connection could not be accepted'));
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      http1.close();
      for (const session of sessions) session.close();
      const grace = setTimeout(() => sockets.forEach((socket) => socket.destroy()), stopGraceMs);
      await closed;
      clearTimeout(grace);
    },
  };
}

/** Holds HTTP/2 to the patience that HTTP/1.1 has built in; returns the open sessions. */
function limitSessions(http2: Http2Server, patienceMs: number): ReadonlySet<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>();
  http2.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    // This ends a silent session that has no call; the calls of another go on, and the next one opens a new session.
    session.setTimeout(patienceMs, () => session.close());
  });
  http2.on('stream', (stream) => {
    const limit = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), patienceMs);
    const received = () => clearTimeout(limit);
    stream.once('end', received).once('close', received);
  });
  return sessions;
}

function sniff(socket: Socket, patienceMs: number, decide: (preface: boolean) => void): void {
  const giveUp = (): void => void socket.destroy();
  socket.setTimeout(patienceMs, giveUp);
  let seen = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, http2Preface.length);
    const could = seen.subarray(0, length).equals(http2Preface.subarray(0, length));
    if (could && length < http2Preface.length) return;
    socket.off('readable', onReadable);
    socket.setTimeout(0, giveUp);
    socket.unshift(seen);
    decide(could);
  };
  socket.on('readable', onReadable);
}

function listenError(cause: NodeJS.ErrnoException, address: string): MurmurError {
  if (cause.code === 'EADDRINUSE') {
    return new MurmurError('FAILED_PRECONDITION', `${address} is already in use`, {
      cause,
      hint: 'Stop what listens there, or choose another address with --listen.',
    });
  }
  return new MurmurError('FAILED_PRECONDITION', `cannot listen on ${address}: ${cause.message}`, { cause });
}
