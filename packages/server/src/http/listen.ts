import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer as createNetServer, type AddressInfo, type Socket } from 'node:net';

import { MurmurError } from '@murmur/api';

/** The first bytes of every HTTP/2 connection without TLS (RFC 9113, section 3.4). */
const http2Preface = Buffer.from('PRI * HTTP/2.0');

/** A connection that says nothing for this long is closed: 30 seconds. */
const silenceLimitMs = 30_000;

/** An open port that answers HTTP/1.1 and HTTP/2. */
export interface Listener {
  /** Such as `http://127.0.0.1:7007`. */
  readonly url: string;
  /** Takes no new connection, lets unary calls finish for a moment and drops the rest. */
  close(): Promise<void>;
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
export async function listen(address: string, handler: RequestListener): Promise<Listener> {
  const { host, port } = parseListenAddress(address);
  const http1 = createHttpServer({ requestTimeout: 60_000 }, handler);
  // The adapter takes both kinds of request; only their declared types differ.
  const http2 = createHttp2Server(handler as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void);
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.once('error', () => socket.destroy());
    sniff(socket, (preface) => (preface ? http2 : http1).emit('connection', socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, address)));
    server.listen(port, host, resolve);
  });
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      http1.closeIdleConnections();
      const grace = setTimeout(() => sockets.forEach((socket) => socket.destroy()), 500);
      await closed;
      clearTimeout(grace);
    },
  };
}

function sniff(socket: Socket, decide: (preface: boolean) => void): void {
  socket.setTimeout(silenceLimitMs, () => socket.destroy());
  let seen = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, http2Preface.length);
    const could = seen.subarray(0, length).equals(http2Preface.subarray(0, length));
    if (could && length < http2Preface.length) return;
    socket.off('readable', onReadable);
    socket.setTimeout(0);
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
