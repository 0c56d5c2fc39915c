import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { keepWire, type Wire, type WireFault } from '@murmur/server/testing-aws';

/** A way to an emulator that can be made to fail. */
export interface CloudProxy extends AsyncDisposable {
  readonly endpoint: string;
  readonly wire: Wire;
}

/** How a cloud says no. */
export interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** What tells the calls of a cloud apart, and what its errors look like. */
export interface CloudWire {
  /** Calls that are made as often as it takes. */
  readonly polled: readonly string[];
  nameOf(asking: IncomingMessage, body: Buffer): string;
  refusal(fault: WireFault): Refusal | undefined;
}

/** Stands between a client and the emulator at an address, and passes on what both say. */
export async function proxyTo(endpoint: string, { nameOf, polled, refusal }: CloudWire): Promise<CloudProxy> {
  const wire = keepWire(['reply lost', 'fails once', 'busy once', 'hangs', 'denied'], polled);
  const connections = new Set<Socket>();
  const answer = async (asking: IncomingMessage, reply: ServerResponse) => {
    const body = await bodyOf(asking);
    const fault = wire.meet(nameOf(asking, body));
    if (fault === 'hangs') return wire.whenDisarmed(() => asking.socket.destroy());
    const refused = fault === undefined ? undefined : refusal(fault);
    if (refused !== undefined) return void reply.writeHead(refused.status, { 'content-type': refused.type }).end(refused.body);
    const asked = request(endpoint, { method: asking.method, path: asking.url, headers: asking.headers, agent: false });
    asked.on('error', () => asking.socket.destroy());
    asked.on('response', (answered) => {
      if (fault === 'reply lost') return answered.on('end', () => asking.socket.destroy()).resume();
      reply.writeHead(answered.statusCode ?? 502, answered.headers);
      return answered.on('error', () => asking.socket.destroy()).pipe(reply);
    });
    asked.end(body);
  };
  const server = createServer((asking, reply) => void answer(asking, reply));
  server.on('connection', (connection: Socket) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    wire,
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bodyOf(asking: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of asking as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
