import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { writeAdminAddress } from './admin-address.js';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'murmur-address-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

test.each([
  ['http://127.0.0.1:7007', 'http://127.0.0.1:7007\n'],
  ['http://[::1]:7007', 'http://[::1]:7007\n'],
  ['http://10.0.0.5:80', 'http://10.0.0.5\n'],
  ['http://0.0.0.0:7007', 'http://127.0.0.1:7007\n'],
  ['https://[::]:7007', 'https://127.0.0.1:7007\nhttps://[::1]:7007\n'],
])('a server at %s is called by %j, until it stops', async (url, addresses) => {
  const file = path.join(dataDir, 'admin.address');
  await writeFile(file, 'http://127.0.0.1:1\n', { mode: 0o666 });
  const takeBack = await writeAdminAddress(dataDir, url);
  expect(await readFile(file, 'utf8')).toBe(addresses);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await takeBack();
  expect(await readdir(dataDir)).toEqual([]);
});
