import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { keepWire, type Wire, type WireFault } from '@murmur/server/testing-aws';

/** A way to the emulator that can be made to fail. */
export interface CloudProxy extends AsyncDisposable {
  readonly endpoint: string;
  readonly wire: Wire;
}

const refusals: Partial<Record<WireFault, { readonly status: number; readonly code: string }>> = {
  'fails once': { status: 500, code: 'InternalError' },
  'busy once': { status: 503, code: 'RequestLimitExceeded' },
  denied: { status: 403, code: 'UnauthorizedOperation' },
};

/** Stands between a client and the emulator at an address, and passes on what both say. */
export async function proxyCloud(endpoint: string): Promise<CloudProxy> {
  const polled = ['DescribeInstances', 'DescribeImages', 'DescribeVolumes', 'DescribeNetworkInterfaces', 'DescribeSnapshots'];
  const wire = keepWire(['reply lost', 'fails once', 'busy once', 'hangs', 'denied'], polled);
  const connections = new Set<Socket>();
  const answer = async (asking: IncomingMessage, reply: ServerResponse) => {
    const body = await bodyOf(asking);
    const fault = wire.meet(new URLSearchParams(body.toString()).get('Action') ?? '');
    if (fault === 'hangs') return wire.whenDisarmed(() => asking.socket.destroy());
    const refusal = fault === undefined ? undefined : refusals[fault];
    if (refusal !== undefined) {
      const error = `<Errors><Error><Code>${refusal.code}</Code><Message>a test says no</Message></Error></Errors>`;
      return void reply.writeHead(refusal.status, { 'content-type': 'text/xml' }).end(`<Response>${error}</Response>`);
    }
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
