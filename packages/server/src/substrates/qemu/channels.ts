import type { Logger } from 'pino';

import type { SshChannel } from '../ssh.js';
import { PlatformFault, type GuestChannel, type GuestKeys, type Token } from '../substrate.js';
import type { Layout } from './layout.js';
import { watchMachine, type MachineWatch } from './machine-watch.js';
import { openChannel } from './ready.js';

/** An unused connection stays this long: the steps of a bake follow each other, and each login costs a guest under translation dearly. */
const idleMs = 10_000;

/** Hands out channels to machines, several at a time over one connection. */
export interface Channels {
  open(token: Token, keys: GuestKeys, signal: AbortSignal): Promise<GuestChannel>;
  /** Ends the connection to a machine that is going away. */
  close(token: Token): Promise<void>;
  /** Ends every connection, for one that waits for its next use keeps a process alive. */
  closeAll(): Promise<void>;
}

interface Connection {
  readonly channel: SshChannel;
  readonly keys: GuestKeys;
  readonly watch: MachineWatch;
  users: number;
  idle?: NodeJS.Timeout;
}

/** Connections to the machines of this data directory, kept for a while after their last use. */
export function createChannels(layout: Layout, log: Logger): Channels {
  const connections = new Map<Token, Connection>();
  // Kept between connections: a machine that is powered off first loses its connection, and only then says so.
  const watches = new Map<Token, MachineWatch>();
  // Every connection there is, also one that is lent out and will never be lent again.
  const live = new Map<Connection, Token>();
  let closed = false;

  const drop = async (token: Token, connection: Connection) => {
    clearTimeout(connection.idle);
    if (connections.get(token) === connection) connections.delete(token);
    live.delete(connection);
    await connection.channel[Symbol.asyncDispose]();
  };

  const forget = (token: Token) => {
    watches.get(token)?.[Symbol.dispose]();
    watches.delete(token);
  };

  const lend = (token: Token, connection: Connection): GuestChannel => {
    connection.users++;
    clearTimeout(connection.idle);
    let returned = false;
    const watched = async <T>(options: { signal?: AbortSignal } = {}, use: (signal: AbortSignal) => Promise<T>): Promise<T> => {
      try {
        return await attended(connection.watch, options.signal, use);
      } catch (error) {
        // Never lend out a connection again that failed someone, be it by not answering.
        if (connections.get(token) === connection) connections.delete(token);
        throw error;
      }
    };
    return {
      run: (command, options) => watched(options, (signal) => connection.channel.run(command, { ...options, signal })),
      stream: (command, sink, options) => watched(options, (signal) => connection.channel.stream(command, sink, { ...options, signal })),
      async [Symbol.asyncDispose]() {
        if (returned) return;
        returned = true;
        if (--connection.users > 0) return;
        if (connections.get(token) !== connection) return drop(token, connection);
        connection.idle = setTimeout(() => void drop(token, connection), idleMs).unref();
      },
    };
  };

  return {
    async open(token, keys, signal) {
      signal.throwIfAborted();
      const known = connections.get(token);
      if (
        known !== undefined &&
        known.keys.hostPublic === keys.hostPublic &&
        known.keys.clientPublic === keys.clientPublic &&
        !known.channel.lost
      ) {
        return lend(token, known);
      }
      const watch = watches.get(token) ?? watchMachine(layout, token, log);
      watches.set(token, watch);
      try {
        const channel = await attended(watch, signal, (limited) => openChannel(layout, token, keys, limited));
        // Whoever asked was given up meanwhile, and nobody would end the connection.
        if (closed || signal.aborted) {
          await channel[Symbol.asyncDispose]();
          signal.throwIfAborted();
          throw new PlatformFault('the server stops');
        }
        const connection: Connection = { channel, keys, watch, users: 0 };
        connections.set(token, connection);
        live.set(connection, token);
        return lend(token, connection);
      } finally {
        // It has been said; another machine may be started under this token.
        if (watch.signal.aborted) forget(token);
      }
    },
    async close(token) {
      forget(token);
      const connection = connections.get(token);
      if (connection !== undefined) await drop(token, connection);
    },
    async closeAll() {
      closed = true;
      for (const token of watches.keys()) forget(token);
      await Promise.all([...live].map(async ([connection, token]) => drop(token, connection)));
    },
  };
}

/** Uses a machine for as long as it can answer. What the watch knows to be in the way is said instead of that nothing came. */
async function attended<T>(watch: MachineWatch, signal: AbortSignal | undefined, use: (signal: AbortSignal) => Promise<T>): Promise<T> {
  try {
    return await use(signal === undefined ? watch.signal : AbortSignal.any([signal, watch.signal]));
  } catch (error) {
    if (error instanceof PlatformFault || signal?.aborted === true) throw watch.standstill ?? error;
    throw error;
  }
}
