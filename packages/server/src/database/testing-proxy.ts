import { once } from 'node:events';
import { createServer, connect as connectSocket, type AddressInfo, type Socket } from 'node:net';

/** A way to a PostgreSQL that can be made to hang or to break, as a network or a stopped server does. */
export interface TestProxy extends AsyncDisposable {
  readonly url: string;
  /** Hands nothing on in either direction, and keeps what it got. New connections are accepted all the same. */
  hang(): void;
  /** Hands everything on again. */
  goOn(): void;
}

/** Opens a TCP port of this machine that leads to the server of a URL with a Unix socket in it. */
export async function openTestProxy(url: string): Promise<TestProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let hanging = false;
  const server = createServer((inner) => {
    const outer = connectSocket(`${target.searchParams.get('host') ?? ''}/.s.PGSQL.5432`);
    inner.pipe(outer).pipe(inner);
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      socket.on('error', () => void (socket === inner ? outer : inner).destroy());
      socket.on('close', () => sockets.delete(socket));
      if (hanging) socket.pause();
    }
    inner.on('close', () => outer.destroy());
    outer.on('close', () => inner.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const through = new URL(url);
  through.searchParams.delete('host');
  through.hostname = '127.0.0.1';
  through.port = String(port);
  return {
    url: through.href,
    hang() {
      hanging = true;
      for (const socket of sockets) socket.pause();
    },
    goOn() {
      hanging = false;
      for (const socket of sockets) socket.resume();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
