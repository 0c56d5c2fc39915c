import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Socket } from 'node:net';

import { MurmurError } from '@murmur/api';
import type { Logger } from 'pino';

import { beginCall, holdConnections } from './connections.js';
import { boundedHttp2 } from './http2-server.js';

/** The first bytes of every HTTP/2 connection without TLS (RFC 9113, section 3.4). */
const http2Preface = Buffer.from('PRI * HTTP/2.0');

/** How long a client may take to say what it wants: whoever stays silent, or sends byte by byte, must not hold a connection. */
const defaultPatienceMs = 60_000;

/** How long it may take over what comes before a body, in milliseconds. */
const defaultHeadersMs = 15_000;

const defaultConnections = 1024;

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
  /** How many connections there may be at once; 1024 unless given. */
  readonly connections?: number | undefined;
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
  const { log, patienceMs = defaultPatienceMs, connections: max = defaultConnections } = options;
  const headersTimeout = Math.min(patienceMs, defaultHeadersMs);
  const bounded = countCalls(handler);
  const http1 = createHttpServer(
    { requestTimeout: patienceMs, headersTimeout, connectionsCheckingInterval: Math.min(patienceMs, 5000) },
    bounded,
  );
  // It watches the time only once it hears that it listens, which here another server does for it.
  http1.emit('listening');
  const { server: http2, sessions } = boundedHttp2(bounded, patienceMs);
  // Whoever asks before sending a body is told to go on once the body is wanted.
  for (const protocol of [http1, http2]) protocol.on('checkContinue', bounded);
  const connections = holdConnections({ max, idleMs: headersTimeout, log });
  // Small messages of a stream must not wait for each other, and a peer that vanished must not hold a stream for ever.
  const server = createNetServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) => {
    if (!connections.admit(socket)) return;
    socket.on('error', (cause) => log.debug({ err: cause }, 'a connection broke'));
    sniff(socket, (preface) => (preface ? http2 : http1).emit('connection', socket));
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
      const grace = setTimeout(() => connections.destroyAll(), stopGraceMs);
      await closed;
      clearTimeout(grace);
      connections.close();
    },
  };
}

/** Ends a connection that asks for more at once than it may: over HTTP/1.1 a client can send any number before the first answer. */
function countCalls(handler: RequestListener): RequestListener {
  return (request, response) => {
    const end = beginCall(request);
    if (end === undefined) return void request.socket.destroy();
    response.once('close', end);
    handler(request, response);
  };
}

/** A connection that does not get this far is ended with all that do nothing. */
function sniff(socket: Socket, decide: (preface: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, http2Preface.length);
    const could = seen.subarray(0, length).equals(http2Preface.subarray(0, length));
    if (could && length < http2Preface.length) return;
    socket.off('readable', onReadable);
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
