import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { readSite } from './files.js';
import { contentSecurityPolicy } from './policy.js';
import { serveSite } from './serve.js';

const page = '<!doctype html><title>Murmur</title>';
const script = `console.info(${JSON.stringify('x'.repeat(500))})`;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

let folder: string;
let port: number;
let close: () => void;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murmur-site-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), page);
  await writeFile(join(folder, 'assets/main-1a2b.js'), script);
  await writeFile(join(folder, 'assets/main-1a2b.js.br'), brotliCompressSync(script));
  await writeFile(join(folder, 'assets/main-1a2b.js.gz'), gzipSync(script));
  await writeFile(join(folder, 'assets/secret.key'), 'not a kind of file that pages are made of');
  const site = serveSite(await readSite(folder), ['https://id.example.com/realms/acme']);
  const server = createServer((incoming, response) => {
    if (!site(incoming, response)) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
  close = () => server.close();
});
afterAll(async () => {
  close();
  await rm(folder, { recursive: true });
});

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
    })
      .on('error', reject)
      .end();
  });
}

describe('the dashboard’s files', () => {
  test('the page answers for every address that a browser opens, and is asked for anew each time', async () => {
    for (const path of ['/', '/bakes/abc', '/index.html', '/images/..%2f..%2fetc']) {
      const { body, headers, status } = await get(path, { accept: 'text/html,*/*' });
      expect([path, status, body.toString(), headers['cache-control']]).toEqual([path, 200, page, 'no-cache']);
    }
  });

  test('nothing else answers for an address that is no file', async () => {
    for (const path of ['/bakes', '/assets/gone.js', '/assets/secret.key', '/assets/../../etc/passwd', '//etc/passwd', '/%00']) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
    expect((await get('/assets/gone.js', { accept: 'text/html' })).status).toBe(404);
    expect((await get('/', { accept: 'text/html' }, 'POST')).status).toBe(404);
  });

  test('a file whose name says its content is kept for a year, compressed as the browser likes it', async () => {
    const path = '/assets/main-1a2b.js';
    const best = await get(path, { 'accept-encoding': 'gzip, deflate, br' });
    expect(best.headers).toMatchObject({
      'content-encoding': 'br',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
      'content-type': 'text/javascript; charset=utf-8',
    });
    expect(brotliDecompressSync(best.body).toString()).toBe(script);
    expect((await get(path, { 'accept-encoding': 'gzip, br;q=0' })).headers['content-encoding']).toBe('gzip');
    const whole = await get(path);
    expect([whole.headers['content-encoding'], whole.body.toString()]).toEqual([undefined, script]);
  });

  test('what a browser has already is not sent again, and HEAD sends no body', async () => {
    const first = await get('/', { accept: 'text/html' });
    const again = await get('/', { 'if-none-match': `"other", ${String(first.headers['etag'])}` });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    const head = await get('/', {}, 'HEAD');
    expect([head.status, head.body.length, head.headers['content-length']]).toEqual([200, 0, String(page.length)]);
  });

  test('every answer forbids inline scripts, other hosts but the issuers, and being framed', async () => {
    for (const path of ['/', '/assets/main-1a2b.js']) {
      const { headers } = await get(path);
      expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
      const policy = String(headers['content-security-policy']);
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "connect-src 'self' https://id.example.com;",
      ]) {
        expect(policy).toContain(part);
      }
      expect(policy).not.toContain('unsafe');
    }
  });

  test('an issuer’s URL gets nothing into the policy but its origin', () => {
    expect(contentSecurityPolicy(["https://id.example.com/x; script-src 'unsafe-inline'", 'no url'])).toContain(
      "connect-src 'self' https://id.example.com; base-uri",
    );
  });
});

test('a dashboard that is not built says how to build it', async () => {
  expect((await readSite(join(folder, 'nothing'))).size).toBe(0);
});
