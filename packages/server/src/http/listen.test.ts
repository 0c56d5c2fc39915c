import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';

import { afterEach, describe, expect, it } from 'vitest';
import { listen, parseListenAddress, type Listener } from './listen.js';

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
  const start = async (): Promise<Listener> => {
    const listener = await listen('127.0.0.1:0', (request, response) => {
      let size = 0;
      request.on('data', (chunk: Buffer) => (size += chunk.length));
      request.on('end', () => response.end(`${request.httpVersion} ${request.method} ${size}`));
    });
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

  it('says which address is taken', async () => {
    const { url } = await start();
    const address = url.slice('http://'.length);
    await expect(listen(address, () => undefined)).rejects.toThrow(`${address} is already in use`);
  });
});
