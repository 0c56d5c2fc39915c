import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, test } from 'vitest';

import { debstrap } from './debstrap.js';

const password = 'pass-of-the-mirror';

test("a mirror's credentials reach the mirror, but no argument and no file of the system", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'murmur-debstrap-'));
  const seen = new Set<string | undefined>();
  let argumentsSeen = '';
  const mirror = createServer((request, response) => {
    seen.add(request.headers.authorization);
    if (request.headers.authorization === undefined)
      return void response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="mirror"' }).end();
    void commandLines().then((text) => {
      argumentsSeen += text;
      response.writeHead(302, { Location: `http://deb.debian.org${request.url ?? ''}` }).end();
    });
  }).listen(0, '127.0.0.1');
  await once(mirror, 'listening');
  const address = `127.0.0.1:${(mirror.address() as AddressInfo).port}/debian`;
  await writeFile(path.join(folder, 'sources.list'), `deb http://robot:${password}@${address} bookworm main\n`);
  try {
    await debstrap(['--variant=custom', '--format=tar', 'bookworm', 'out.tar'], {
      aptFolder: folder,
      cwd: folder,
      env: { TMPDIR: folder },
    });
    expect([...seen]).toContain(`Basic ${Buffer.from(`robot:${password}`).toString('base64')}`);
    expect(argumentsSeen).toContain('mmdebstrap');
    expect(argumentsSeen).not.toContain(password);
    const system = await readFile(path.join(folder, 'out.tar'));
    expect(system.includes(password)).toBe(false);
    const sources = execFileSync('tar', ['-xOf', path.join(folder, 'out.tar'), './etc/apt/sources.list']).toString();
    expect(sources).toContain(`deb http://${address} bookworm main`);
    expect((await readdir('/dev/shm')).filter((name) => name.startsWith('murmur-apt-'))).toEqual([]);
  } finally {
    mirror.close();
    await rm(folder, { recursive: true, force: true });
  }
});

/** The arguments of everything that runs on this machine. */
async function commandLines(): Promise<string> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  // One that has just ended has none.
  const texts = await Promise.all(processes.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return texts.join('\n');
}
