import { readdir } from 'node:fs/promises';
import { type Socket, connect } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { murmurOk } from './harness/cli.js';
import { type TestServer, startServer } from './harness/server.js';

/** What many systems allow a process. */
const openFiles = 1024;

describe('a server among strangers', () => {
  let server: TestServer;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    server = await startServer({ openFiles });
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await server.remove();
  });

  it('answers whoever has something to ask beside any number of silent connections', async () => {
    const { port } = new URL(server.url);
    for (let index = 0; index < 3000; index++) {
      // Of ten addresses, each of which may have a quarter of all.
      const socket = connect({ host: '127.0.0.1', port: Number(port), localAddress: `127.0.0.${10 + (index % 10)}` });
      socket.on('error', () => undefined);
      sockets.push(socket);
    }
    for (let round = 0; round < 2; round++) {
      for (const path of ['healthz', 'readyz']) expect((await fetch(`${server.url}/${path}`)).status).toBe(200);
      expect(await murmurOk(server, ['get', 'recipe'])).toContain('NAME');
    }
    expect((await readdir(`/proc/${server.pid}/fd`)).length).toBeLessThan(openFiles * 0.75);
    const log = await server.log();
    expect(log).not.toContain('EMFILE');
    expect(log).toContain('there are as many connections as there may be');
  });
});
