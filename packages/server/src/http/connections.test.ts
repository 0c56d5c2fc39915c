import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { type Socket, connect as connectTcp } from 'node:net';

import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';

import { guardAdapter } from './adapter-guard.js';
import { addressOf, peerAddress, peerOf, proveConnection } from './connections.js';
import { type Listener, listen } from './listen.js';

const log = pino({ level: 'silent' });
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** A frame of HTTP/2. */
function frame(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const settings = frame(4, 0, 0);
const open = `${preface}${settings.toString('latin1')}`;
/** `:method GET`, `:scheme http`, `:path /` from HPACK's static table, and an empty `:authority`. */
const get = Buffer.from([0x82, 0x86, 0x84, 0x01, 0x00]);
const headers = 1;
const reset = 3;
const ping = 6;
const continuation = 9;
const endHeaders = 4;

describe('connections', () => {
  const listeners: Listener[] = [];
  const sockets: Socket[] = [];
  let handled = 0;
  const start = async (options: { connections?: number; patienceMs?: number } = {}): Promise<Listener> => {
    handled = 0;
    const listener = await listen(
      '127.0.0.1:0',
      guardAdapter(
        (request, response) => {
          handled++;
          if (request.headers.authorization !== undefined) proveConnection(request);
          // One that is asked for is an answer that does not end.
          if (request.url === '/stuck') response.write('x'.repeat(100_000));
          else response.end(addressOf(request));
        },
        log,
        options.patienceMs,
      ),
      { log, ...options },
    );
    listeners.push(listener);
    return listener;
  };
  const portOf = ({ url }: Listener): number => Number(new URL(url).port);
  const dial = async (listener: Listener, text = ''): Promise<Socket> => {
    const socket = connectTcp(portOf(listener), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined).resume();
    await once(socket, 'connect');
    if (text !== '') socket.write(text, 'latin1');
    return socket;
  };
  const ended = (socket: Socket): Promise<void> =>
    socket.destroyed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));
  const prove = async (listener: Listener): Promise<Socket> => {
    const socket = await dial(listener, 'GET / HTTP/1.1\r\nhost: x\r\nauthorization: good\r\n\r\n');
    await once(socket, 'data');
    return socket;
  };
  const ask = async ({ url }: Listener): Promise<string> => (await fetch(url, { headers: { connection: 'close' } })).text();
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  });

  test('silent ones make room for who has something to ask, oldest first', async () => {
    const listener = await start({ connections: 20 });
    const silent = [];
    for (let index = 0; index < 100; index++) silent.push(await dial(listener));
    expect(await ask(listener)).toBe('127.0.0.1');
    await Promise.all(silent.slice(0, 80).map(ended));
    expect(silent.slice(-10).map(({ destroyed }) => destroyed)).not.toContain(true);
  });

  test('one address has at most a quarter of them', async () => {
    const listener = await start({ connections: 80 });
    const silent = [];
    for (let index = 0; index < 40; index++) silent.push(await dial(listener));
    await Promise.all(silent.slice(0, 20).map(ended));
    expect(silent.slice(-20).map(({ destroyed }) => destroyed)).not.toContain(true);
  });

  test('those that came with a good key stay, and when there are only such ones the next is told', async () => {
    const listener = await start({ connections: 4 });
    const good = [];
    for (let index = 0; index < 4; index++) good.push(await prove(listener));
    const response = await fetch(listener.url);
    expect([response.status, await response.json()]).toEqual([
      429,
      { code: 'resource_exhausted', message: 'this server has no free connection: Try again in a moment.' },
    ]);
    expect(good.map(({ destroyed }) => destroyed)).not.toContain(true);
  });

  test.each([
    ['says nothing', '', undefined],
    ['sends its first line byte by byte', 'GET /', 'x'],
    ['sends its headers byte by byte', 'GET / HTTP/1.1\r\nx: ', 'x'],
    ['sends the preface and then pings', open, frame(ping, 0, 0, Buffer.alloc(8)).toString('latin1')],
    [
      'sends headers of HTTP/2 that do not end',
      `${open}${frame(headers, 0, 1, get).toString('latin1')}`,
      frame(continuation, 0, 1).toString('latin1'),
    ],
  ])('one that %s does not last', async (_, first, more) => {
    const listener = await start({ patienceMs: 400 });
    const socket = await dial(listener, first);
    const trickle = setInterval(() => more !== undefined && socket.write(more, 'latin1'), 50);
    await ended(socket);
    clearInterval(trickle);
    expect(handled).toBe(0);
  });

  test('one that does not take its answer does not last, unless it came with a good key', async () => {
    const listener = await start({ patienceMs: 400 });
    const good = await dial(listener, 'GET /stuck HTTP/1.1\r\nhost: x\r\nauthorization: good\r\n\r\n');
    const stranger = await dial(listener, 'GET /stuck HTTP/1.1\r\nhost: x\r\n\r\n');
    await ended(stranger);
    expect(good.destroyed).toBe(false);
  });

  test('one that asks for much before the first answer is ended', async () => {
    const listener = await start();
    const socket = await dial(listener, 'GET /stuck HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1000));
    await ended(socket);
    expect(handled).toBeLessThanOrEqual(128);
    expect(await ask(listener)).toBe('127.0.0.1');
  });

  test('one has at most 128 streams', async () => {
    const listener = await start();
    const session = connectHttp2(listener.url);
    const [remote] = (await once(session, 'remoteSettings')) as [{ maxConcurrentStreams: number }];
    expect(remote.maxConcurrentStreams).toBe(128);
    // A client of another mind is refused the rest.
    const socket = await dial(listener, open);
    for (let stream = 1; stream < 1001; stream += 2) socket.write(frame(headers, endHeaders, stream, get));
    await ended(socket);
    expect(handled).toBeLessThanOrEqual(128);
    session.destroy();
  });

  test('one that opens streams and takes them back at once is ended', async () => {
    const listener = await start();
    const socket = await dial(listener, open);
    const cancel = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);
    for (let stream = 1; stream < 20_001 && !socket.destroyed; stream += 2) {
      socket.write(frame(headers, endHeaders, stream, get));
      socket.write(frame(reset, 0, stream, cancel));
    }
    await ended(socket);
    expect(handled).toBeLessThan(3000);
    expect(await ask(listener)).toBe('127.0.0.1');
  });

  test('one whose headers go on and on is ended before they are kept', async () => {
    const listener = await start();
    const socket = await dial(listener, open);
    socket.write(frame(headers, 0, 1, get));
    // A header of 16 KiB that is not indexed, and as many of them as anybody would wait for.
    const large = Buffer.concat([Buffer.from([0x00, 0x01, 0x78, 0x7f, 0x81, 0x7e]), Buffer.alloc(16_000, 'y')]);
    for (let index = 0; index < 1000 && !socket.destroyed; index++) socket.write(frame(continuation, 0, 1, large));
    await ended(socket);
    expect(handled).toBe(0);
  });

  test.each([
    ['many', 'x: y\r\n'.repeat(100_000)],
    ['long', `x: ${'y'.repeat(1_000_000)}\r\n`],
  ])('one with too %s headers of HTTP/1.1 is refused', async (_, lines) => {
    const listener = await start();
    const socket = await dial(listener);
    const answer = once(socket, 'data');
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\n${lines}`);
    expect(String((await answer)[0])).toMatch(/^HTTP\/1\.1 431 /);
    await ended(socket);
    expect(handled).toBe(0);
  });
});

test.each([
  ['::ffff:192.0.2.1', '192.0.2.1', '192.0.2.1'],
  ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8::6', '2001:db8:0:0'],
  ['::1', '::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80::1%eth0', 'fe80:0:0:0'],
  [undefined, '', ''],
])('%s is written %j and counts as %j', (remote, address, peer) => {
  expect([peerAddress(remote), peerOf(peerAddress(remote))]).toEqual([address, peer]);
});
