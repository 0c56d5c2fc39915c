import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { control, controlPath, type Controls } from './controls.js';
import { ControlError } from './control-error.js';

/** Where to listen; port 0 takes a free one. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** A server that listens. */
export interface Listener extends AsyncDisposable {
  readonly endpoint: string;
}

/** Larger than whatever a client of these clouds sends. */
const bodyLimit = 4 * 1024 * 1024;

/** A request with its whole body. */
export interface WholeRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: string;
}

/** Serves a cloud's API, and beside it what tests may ask of the emulator itself. */
export async function listen(to: Listen, controls: Controls, answer: (whole: WholeRequest) => Promise<void>): Promise<Listener> {
  const server = createServer((request, response) => {
    void serve(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, error instanceof ControlError ? error.status : 500, { error: String(error) });
    });
  });
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (request.url?.startsWith(controlPath) !== true) return answer({ request, response, body });
    sendJson(response, 200, control(controls, request.method ?? '', request.url, body));
  }
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(to.port, to.host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://${to.host}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyLimit) throw new ControlError('the request is too large', 413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
