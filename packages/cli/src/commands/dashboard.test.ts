import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, expect, it, onTestFinished } from 'vitest';

import { browserOpener, openBrowser } from '../client/open-browser.js';
import { runForTest } from '../testing.js';
import { startTestServer, type TestServer } from '../testing-server.js';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(): Promise<TestServer> {
  server = await startTestServer({ createSignInCode: () => ({ code: 'abc-123' }) });
  return server;
}

it('prints an address that signs in, where there is no browser to open', async () => {
  const { url } = await serve();
  const env = { MURMUR_SERVER: url, MURMUR_API_KEY: 'mur_a.b' };
  const said = { code: 0, stdout: `${url}/sign-in/code#abc-123\n`, stderr: 'Open this in a browser within a minute; it works once:\n' };
  expect(await runForTest(['dashboard', '--no-browser'], { env: { ...env, DISPLAY: ':0' } })).toEqual(said);
  expect(await runForTest(['dashboard'], { env })).toEqual(said);
});

it('sends nothing where it could be read on its way', async () => {
  const env = { MURMUR_SERVER: 'http://murmur.example.com', MURMUR_API_KEY: 'mur_a.b' };
  const { code, stdout } = await runForTest(['dashboard', '--no-browser'], { env });
  expect([code, stdout]).toEqual([1, '']);
});

it('opens a browser where somebody sits in front of a screen', () => {
  expect(browserOpener({}, 'linux')).toBeUndefined();
  expect(browserOpener({ DISPLAY: ':0' }, 'linux')).toBe('xdg-open');
  expect(browserOpener({ WAYLAND_DISPLAY: 'wayland-0' }, 'linux')).toBe('xdg-open');
  expect(browserOpener({}, 'darwin')).toBe('open');
});

it('shows the address to no other user of the machine, and leaves nothing behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'murmur-opener-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const opener = join(folder, 'opener');
  const seen = join(folder, 'seen');
  // What a browser does: it reads the file that it is given.
  await writeFile(opener, `#!/bin/sh\n{ echo "$*"; stat -c %a "$1"; cat "$1"; } > ${seen}.part\nmv ${seen}.part ${seen}\n`);
  await chmod(opener, 0o700);
  const done = new AbortController();
  const opened = openBrowser(opener, 'http://127.0.0.1:7007/sign-in/code#abc', done.signal);
  let text = '';
  while (text === '') text = await readFile(seen, 'utf8').catch(() => '');
  done.abort();
  expect(await opened).toBe(true);
  const [file = '', mode, page] = text.split('\n');
  expect(file).not.toContain('abc');
  expect([mode, page]).toEqual(['600', expect.stringContaining('url=http://127.0.0.1:7007/sign-in/code#abc')]);
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('says so when there is nothing to open it with', async () => {
  expect(await openBrowser('/nonexistent/opener', 'http://127.0.0.1/', new AbortController().signal)).toBe(false);
});
