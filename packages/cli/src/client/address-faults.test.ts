import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';

import { runForTest } from '../testing.js';

describe('an address that is not that of a server', () => {
  let server: Server | HttpServer | undefined;
  afterEach(() => {
    server?.close();
    if (server !== undefined && 'closeAllConnections' in server) server.closeAllConnections();
  });

  async function refusalAt(made: Server | HttpServer, scheme = 'http', flags: readonly string[] = []): Promise<string> {
    server = made;
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    const { port } = made.address() as AddressInfo;
    const env = { MURMUR_SERVER: `${scheme}://127.0.0.1:${port}`, MURMUR_API_KEY: 'k' };
    const { code, stderr } = await runForTest(['get', 'recipe', ...flags], { env });
    expect(code).toBe(1);
    return stderr.replaceAll(`${scheme}://127.0.0.1:${port}`, 'SERVER');
  }
  const web = (status: number, type: string) =>
    createServer((_, response) => response.writeHead(status, { 'content-type': type }).end('<html>'));

  it('says so of a web page', async () => {
    expect(await refusalAt(web(200, 'text/html'))).toBe(
      'murmur: UNAVAILABLE: SERVER is not a Murmur server (unsupported content type text/html)\nCheck the address, or set another one with MURMUR_SERVER.\n',
    );
  });
  it('says so of one that knows no such page', async () => {
    expect(await refusalAt(web(404, 'text/plain'))).toContain('UNAVAILABLE: SERVER is not a Murmur server (HTTP 404)');
  });
  it('says so of a proxy whose server is down', async () => {
    expect(await refusalAt(web(502, 'text/html'))).toContain('UNAVAILABLE: SERVER is not available (HTTP 502)');
  });
  it('says so of TLS to a server without', async () => {
    expect(await refusalAt(web(200, 'text/html'), 'https')).toContain('UNAVAILABLE: SERVER does not speak TLS\nWrite http://');
  });
  it('says so of another protocol', async () => {
    const ssh = createTcpServer((socket) => socket.end('SSH-2.0-x\r\n'));
    expect(await refusalAt(ssh)).toContain('UNAVAILABLE: SERVER does not answer in HTTP');
  });
  it('says so of one that takes the call and never answers', async () => {
    const silent = createTcpServer((socket) => socket.on('error', () => undefined));
    expect(await refusalAt(silent, 'http', ['--request-timeout', '200ms'])).toContain(
      'DEADLINE_EXCEEDED: no answer from SERVER within 0.2 s\n',
    );
  });
});

describe('a file of authorities', () => {
  it('that cannot be read is named', async () => {
    const env = { MURMUR_SERVER: 'https://murmur.example.com', MURMUR_API_KEY: 'k', SSL_CERT_FILE: '/nonexistent/ca.pem' };
    expect((await runForTest(['get', 'recipe'], { env })).stderr).toBe(
      'murmur: FAILED_PRECONDITION: cannot read the certificates in /nonexistent/ca.pem, which SSL_CERT_FILE names\n',
    );
  });
});
