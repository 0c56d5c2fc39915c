import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';

import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { listen, parseListenAddress, type Listener } from './listen.js';

const log = pino({ level: 'silent' });

describe('parseListenAddress', () => {
  it.each([
    ['127.0.0.1:7007', { host: '127.0.0.1', port: 7007 }],
    [':0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ])('reads %s', (text, expected) => {
    expect(parseListenAddress(text)).toEqual(expected);
  });

  it.each(['', '7007', 'host:', 'host:65536', '::1:80', 'a b:c'])('refuses "%s"', (text) => {
    expect(() => parseListenAddress(text)).toThrow(`--listen "${text}" is not HOST:PORT`);
  });
});

describe('listen', () => {
  const open: Listener[] = [];
  const start = async (address = '127.0.0.1:0', patienceMs?: number): Promise<Listener> => {
    const listener = await listen(
      address,
      (request, response) => {
        let size = 0;
        request.on('data', (chunk: Buffer) => (size += chunk.length));
        request.on('end', () => response.end(`${request.httpVersion} ${request.method} ${size}`));
      },
      { log, ...(patienceMs === undefined ? {} : { patienceMs }) },
    );
    open.push(listener);
    return listener;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((listener) => listener.close()));
  });

  it('answers HTTP/1.1, with bodies, on a connection that is used again', async () => {
    const { url } = await start();
    for (const size of [0, 1, 300_000]) {
      const response = await fetch(url, { method: 'POST', body: 'x'.repeat(size) });
      expect(await response.text()).toBe(`1.1 POST ${size}`);
    }
  });

  it('answers HTTP/2 without TLS on the same port', async () => {
    const { url } = await start();
    const session = connectHttp2(url);
    const stream = session.request({ ':method': 'POST' });
    stream.end('x'.repeat(300_000));
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    session.close();
    expect(body).toBe('2.0 POST 300000');
  });

  it('waits for a preface that arrives byte by byte', async () => {
    const { url } = await start();
    const socket = connectTcp(Number(new URL(url).port), '127.0.0.1');
    for (const byte of 'PUT / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n') {
      await new Promise<void>((resolve) => socket.write(byte, () => resolve()));
    }
    let body = '';
    for await (const chunk of socket) body += String(chunk);
    expect(body).toMatch(/1\.1 PUT 0/);
  });

  it.each([
    ['[::1]:0', /^http:\/\/\[::1\]:\d+$/],
    ['0.0.0.0:0', /^http:\/\/0\.0\.0\.0:\d+$/],
    [':0', /^http:\/\/127\.0\.0\.1:\d+$/],
  ])('answers on %s', async (address, pattern) => {
    const { url } = await start(address);
    expect(url).toMatch(pattern);
    expect(await (await fetch(url, { method: 'POST' })).text()).toBe('1.1 POST 0');
  });

  it.each([
    ['says nothing', ''],
    ['stops within the preface', 'PRI * HT'],
    ['stops within the head', 'POST / HTTP/1.1\r\nhost: x\r\nx-slow'],
    ['stops within the body', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf'],
    ['opens HTTP/2 and calls nothing', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'],
  ])('closes the connection of a client that %s', async (_, text) => {
    const { url } = await start('127.0.0.1:0', 100);
    const socket = connectTcp(Number(new URL(url).port), '127.0.0.1');
    if (text !== '') socket.write(text, 'latin1');
    socket.resume();
    await once(socket, 'end');
    socket.end();
    expect(socket.readableEnded).toBe(true);
  });

  it('ends an HTTP/2 request whose body does not arrive', async () => {
    const { url } = await start('127.0.0.1:0', 100);
    const session = connectHttp2(url);
    const stream = session.request({ ':method': 'POST' });
    stream.write('half');
    stream.on('error', () => undefined);
    await once(stream, 'close');
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    session.destroy();
  });

  it('lets an answer take longer than a request may', async () => {
    const answering = new AbortController();
    const listener = await listen(
      '127.0.0.1:0',
      (request, response) => {
        request.resume();
        response.write('first ');
        answering.signal.addEventListener('abort', () => response.end('last'));
      },
      { log, patienceMs: 100 },
    );
    open.push(listener);
    const session = connectHttp2(listener.url);
    const closing = once(session, 'goaway');
    const stream = session.request({ ':method': 'POST' });
    stream.end();
    const response = await fetch(listener.url, { method: 'POST' });
    // The session has been silent for as long as a client may be, and takes no more calls.
    await closing;
    answering.abort();
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    expect([body, await response.text()]).toEqual(['first last', 'first last']);
    session.destroy();
  });

  it('closes with connections open that are idle, silent or waiting for an answer', async () => {
    const listener = await listen('127.0.0.1:0', (_, response) => void response.write('first'), { log });
    const port = Number(new URL(listener.url).port);
    const silent = connectTcp(port, '127.0.0.1');
    await once(silent, 'connect');
    const session = connectHttp2(listener.url);
    session.on('error', () => undefined);
    await once(session, 'remoteSettings');
    const response = await fetch(listener.url);
    const closed = [once(silent, 'close'), once(session, 'close')];
    await listener.close();
    await Promise.all(closed);
    await expect(response.text()).rejects.toThrow('terminated');
    await expect(fetch(listener.url)).rejects.toThrow('fetch failed');
  });

  it('says which address is taken', async () => {
    const { url } = await start();
    const address = url.slice('http://'.length);
    await expect(listen(address, () => undefined, { log })).rejects.toThrow(`${address} is already in use`);
  });
});
