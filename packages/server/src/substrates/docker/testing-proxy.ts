import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { keepWire, type Wire, type WireFault } from '../conformance-wire.js';

/** A way to a Docker Engine that can be made to fail. */
export interface EngineProxy extends AsyncDisposable {
  readonly socket: string;
  readonly wire: Wire;
}

const refusals: Partial<Record<WireFault, number>> = { 'fails once': 500, 'busy once': 503, denied: 403 };

/** Stands between a client and the engine behind a socket, and passes on what both say. */
export async function proxyEngine(engine: string, socket: string): Promise<EngineProxy> {
  const wire = keepWire(['reply lost', 'fails once', 'busy once', 'hangs', 'denied'], ['exec inspect', 'container inspect']);
  const connections = new Set<Socket>();

  /** Whether the call goes no further than here. */
  const stopped = (fault: WireFault | undefined, client: Duplex, refuse: (status: number) => void): boolean => {
    if (fault === 'hangs') wire.whenDisarmed(() => client.destroy());
    const status = fault === undefined ? undefined : refusals[fault];
    if (status !== undefined) refuse(status);
    return fault === 'hangs' || status !== undefined;
  };
  const onwards = ({ headers, method, url }: IncomingMessage) => request({ socketPath: engine, method, path: url, headers, agent: false });

  const answer = (asking: IncomingMessage, reply: ServerResponse) => {
    const fault = wire.meet(callName(asking));
    const refuse = (status: number) => {
      asking.resume();
      reply.writeHead(status, { 'content-type': 'application/json' }).end(bodyFor(status));
    };
    if (stopped(fault, asking.socket, refuse)) return;
    const asked = onwards(asking);
    asked.on('error', () => asking.socket.destroy());
    reply.on('close', () => asked.destroy());
    asked.on('response', (answered) => {
      if (fault === 'reply lost') return answered.on('end', () => asking.socket.destroy()).resume();
      reply.writeHead(answered.statusCode ?? 502, answered.headers);
      return answered.on('error', () => asking.socket.destroy()).pipe(reply);
    });
    asking.pipe(asked);
  };

  /** A command's input and output, for which the engine leaves HTTP. */
  const upgrade = async (asking: IncomingMessage, client: Duplex, first: Buffer) => {
    const fault = wire.meet(callName(asking));
    if (stopped(fault, client, (status) => client.end(refusal(status)))) return;
    const asked = onwards(asking);
    client.on('error', () => asked.destroy());
    asked.on('error', () => client.destroy());
    // A refusal comes as plain HTTP.
    asked.on('response', (answered) => {
      client.write(headOf(answered));
      answered.pipe(client);
    });
    asked.on('upgrade', (answered, far, head) => {
      far.on('error', () => client.destroy());
      client.on('close', () => far.destroy());
      if (fault === 'reply lost') return client.destroy();
      client.write(headOf(answered));
      client.write(head);
      far.pipe(client);
      return client.pipe(far);
    });
    asked.end(await bodyOf(asking, client, first));
  };

  const server = createServer(answer).on('upgrade', (...all) => void upgrade(...all));
  server.on('connection', (connection: Socket) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    wire,
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The body of a call after which HTTP ends; what follows it stays where it is. */
async function bodyOf({ headers }: IncomingMessage, client: Duplex, first: Buffer): Promise<Buffer> {
  const length = Number(headers['content-length'] ?? 0);
  let body = first;
  while (body.length < length) {
    const [chunk] = (await once(client, 'data')) as [Buffer];
    body = Buffer.concat([body, chunk]);
  }
  client.pause();
  if (body.length > length) client.unshift(body.subarray(length));
  return body.subarray(0, length);
}

function bodyFor(status: number): string {
  return JSON.stringify({ message: `a test says ${status}` });
}

function refusal(status: number): string {
  const body = bodyFor(status);
  return `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}

function headOf({ rawHeaders, statusCode, statusMessage }: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** What the engine's reference calls it, in two words: `container create`, `image delete`, `commit`. */
function callName({ method = '', url = '' }: IncomingMessage): string {
  const [noun = '', ...rest] = url
    .replace(/\?.*/, '')
    .replace(/^\/v[\d.]+/, '')
    .split('/')
    .slice(1);
  const last = rest.at(-1);
  const thing = noun.replace(/s$/, '');
  if (last === undefined) return thing;
  if (last === 'exec') return 'exec create';
  if (last === 'json') return `${thing} ${rest.length === 1 ? 'list' : 'inspect'}`;
  return `${thing} ${method === 'DELETE' ? 'delete' : last}`;
}
