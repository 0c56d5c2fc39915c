import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Socket } from 'node:net';

import { refusal } from '@murmur/api';
import type { Logger } from 'pino';

import { guardErrors } from './guards/errors.js';

/** As many calls at once as one connection may have; more wait for them over HTTP/2, and end it over HTTP/1.1. */
export const maxCallsOfConnection = 128;

/** One address may have a quarter of all connections, though at least this many. */
const leastOfAddress = 16;

/** How many connections are told at once that there is no room for them. The rest is closed without a word. */
const maxRefusing = 32;

/** How long one is told so, in milliseconds. */
const refusingMs = 1000;

/** The open connections: never too many, and nobody's for nothing. */
export interface Connections {
  /** Counts a new connection, or ends it, or an older one that has shown no key in its place. */
  admit(socket: Socket): boolean;
  /** Ends all of them. */
  destroyAll(): void;
  /** Stops the watch over those that do nothing. */
  close(): void;
}

/** How many there may be, and how patient it is with those that do nothing. */
export interface ConnectionOptions {
  readonly max: number;
  /** How long a connection that has shown no key may do nothing, in milliseconds. */
  readonly idleMs: number;
  readonly log: Logger;
}

/** One of them. */
interface Connection {
  readonly socket: Socket;
  readonly address: string;
  /** Who is meant by it, as {@link peerOf} says. */
  readonly peer: string;
  /** Whether a good key came over it. */
  proven: boolean;
  calls: number;
  /** When it last did something, by the process's clock. */
  usedAt: number;
}

/** Kept on the socket: requests of both protocols lead there, and nothing else is the same for both. */
const connectionKey = Symbol('connection');

type Held = { [connectionKey]?: Connection };

/** A request of either protocol. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;

/** Remembered when a request comes: later its connection may be gone, and the way to it with it. */
const connectionsOf = new WeakMap<AnyRequest, Connection>();

/** The address that a request comes from; empty for one that did not come over a connection of these. */
export function addressOf(request: AnyRequest): string {
  return connectionsOf.get(request)?.address ?? '';
}

/** Notes that a good key came over the connection of this request: it is not ended to make room for others. */
export function proveConnection(request: AnyRequest): void {
  const connection = connectionsOf.get(request);
  if (connection !== undefined) connection.proven = true;
}

/** Whether a good key has ever come over the connection of this request. */
export function isProven(request: AnyRequest): boolean {
  return connectionsOf.get(request)?.proven === true;
}

/** Counts a call on its connection, until what is returned is called; undefined where it has too many. */
export function beginCall(request: AnyRequest): (() => void) | undefined {
  // That of an HTTP/2 request is a stand-in, which passes on whatever it does not know.
  const connection = (request.socket as Held)[connectionKey];
  if (connection === undefined) return () => undefined;
  connectionsOf.set(request, connection);
  if (connection.calls >= maxCallsOfConnection) return undefined;
  connection.calls++;
  return () => {
    connection.calls--;
    connection.usedAt = performance.now();
  };
}

/**
 * Holds connections to a number. When it is reached, the oldest of those that have never shown a good key makes room, of the
 * address that has most of them: so a stranger with any number of silent ones keeps nobody out who has something to ask.
 */
export function holdConnections({ max, idleMs, log }: ConnectionOptions): Connections {
  const maxOfPeer = Math.min(max, Math.max(leastOfAddress, Math.ceil(max / 4)));
  const byPeer = new Map<string, Set<Connection>>();
  let total = 0;
  let refusing = 0;
  let saidFullAt = -Infinity;

  const release = (connection: Connection): void => {
    const others = byPeer.get(connection.peer);
    if (others?.delete(connection) !== true) return;
    if (others.size === 0) byPeer.delete(connection.peer);
    total--;
  };
  const end = (connection: Connection): void => {
    release(connection);
    connection.socket.destroy();
  };
  /** Whether there is room for one more. */
  const makeRoom = (peer: string): boolean => {
    const own = byPeer.get(peer);
    const isFull = total >= max;
    if (!isFull && (own?.size ?? 0) < maxOfPeer) return true;
    if (performance.now() - saidFullAt > 60_000) {
      saidFullAt = performance.now();
      log.warn({ connections: total, peer, ofPeer: own?.size }, 'there are as many connections as there may be');
    }
    const victim = firstUnproven(isFull ? byPeer.values() : [own ?? new Set()]);
    if (victim !== undefined) end(victim);
    return victim !== undefined;
  };
  const refuse = (socket: Socket): void => {
    if (refusing >= maxRefusing) return void socket.destroy();
    refusing++;
    const limit = setTimeout(() => socket.destroy(), refusingMs);
    socket.once('close', () => {
      refusing--;
      clearTimeout(limit);
    });
    socket.on('error', () => socket.destroy());
    socket.resume().end(fullAnswer);
  };
  const watch = setInterval(
    () => {
      for (const connections of byPeer.values()) {
        for (const connection of connections) {
          if (!connection.proven && connection.calls === 0 && performance.now() - connection.usedAt > idleMs) end(connection);
        }
      }
    },
    Math.min(idleMs / 4, 5000),
  ).unref();

  return {
    admit(socket) {
      const address = peerAddress(socket.remoteAddress);
      const peer = peerOf(address);
      if (!makeRoom(peer)) {
        refuse(socket);
        return false;
      }
      const connection: Connection = { socket, address, peer, proven: false, calls: 0, usedAt: performance.now() };
      (socket as Held)[connectionKey] = connection;
      const others = byPeer.get(peer) ?? new Set();
      byPeer.set(peer, others.add(connection));
      total++;
      socket.once('close', () => release(connection));
      return true;
    },
    destroyAll() {
      for (const connections of byPeer.values()) for (const { socket } of connections) socket.destroy();
    },
    close: () => clearInterval(watch),
  };
}

/** The oldest one that has shown no key, of the largest set that has one. */
function firstUnproven(sets: Iterable<ReadonlySet<Connection>>): Connection | undefined {
  let found: Connection | undefined;
  let size = 0;
  for (const connections of sets) {
    if (connections.size <= size) continue;
    const oldest = oldestUnproven(connections);
    if (oldest === undefined) continue;
    found = oldest;
    size = connections.size;
  }
  return found;
}

function oldestUnproven(connections: ReadonlySet<Connection>): Connection | undefined {
  for (const connection of connections) if (!connection.proven) return connection;
  return undefined;
}

const full = refusal(guardErrors.noConnection, []);
const fullBody = JSON.stringify({ code: 'resource_exhausted', message: `${full.message}: ${full.hint}` });
/** In the one protocol that can be spoken to somebody who has not said anything yet. */
const fullAnswer = [
  'HTTP/1.1 429 Too Many Requests',
  'content-type: application/json',
  `content-length: ${Buffer.byteLength(fullBody)}`,
  'connection: close',
  '',
  fullBody,
].join('\r\n');

/** A peer's address as it is written down: IPv4 without the prefix that a socket of both versions gives it; empty for none. */
export function peerAddress(remoteAddress: string | undefined): string {
  return remoteAddress?.replace(/^::ffff:(?=\d+\.)/i, '') ?? '';
}

/** What counts as one peer: whoever has an IPv6 address has 2^64 of them. */
export function peerOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%', 1).join('').split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => '0');
  return [...first, ...zeros, ...last].slice(0, 4).join(':');
}
