import type { SshChannel } from '../ssh.js';
import type { GuestChannel, GuestKeys, Token } from '../substrate.js';
import type { Layout } from './layout.js';
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
  users: number;
  idle?: NodeJS.Timeout;
}

/** Connections to the machines of this data directory, kept for a while after their last use. */
export function createChannels(layout: Layout): Channels {
  const connections = new Map<Token, Connection>();

  const drop = async (token: Token, connection: Connection) => {
    clearTimeout(connection.idle);
    if (connections.get(token) === connection) connections.delete(token);
    await connection.channel[Symbol.asyncDispose]();
  };

  const lend = (token: Token, connection: Connection): GuestChannel => {
    connection.users++;
    clearTimeout(connection.idle);
    let returned = false;
    const watched = async <T>(use: Promise<T>): Promise<T> => {
      try {
        return await use;
      } catch (error) {
        // Never lend out a connection again that failed someone, be it by not answering.
        if (connections.get(token) === connection) connections.delete(token);
        throw error;
      }
    };
    return {
      run: (command, options) => watched(connection.channel.run(command, options)),
      stream: (command, sink, options) => watched(connection.channel.stream(command, sink, options)),
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
      const connection: Connection = { channel: await openChannel(layout, token, keys, signal), keys, users: 0 };
      connections.set(token, connection);
      return lend(token, connection);
    },
    async close(token) {
      const connection = connections.get(token);
      if (connection !== undefined) await drop(token, connection);
    },
    async closeAll() {
      await Promise.all([...connections].map(async ([token, connection]) => drop(token, connection)));
    },
  };
}
