import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, test } from 'vitest';

import { aptSources, mirrorsIn } from './debian-mirror.js';

test('the mirrors of a deb822 file are taken', () => {
  const text = `Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
`;
  expect(mirrorsIn([text])).toEqual({ main: 'http://mirror.example/debian', security: 'http://mirror.example/security' });
});

test('the mirrors of one-line sources are taken, options or not; other releases and comments are not', () => {
  const text = `# deb http://old.example/debian bookworm main
deb [signed-by=/x.gpg arch=amd64] https://mirror.example/debian bookworm main non-free
deb http://other.example/debian trixie main
`;
  expect(mirrorsIn([text])).toEqual({ main: 'https://mirror.example/debian' });
});

test("a host without apt gets Debian's own mirrors", async () => {
  expect(await aptSources('/nowhere')).toEqual({
    auth: '',
    lines: [
      'deb http://deb.debian.org/debian bookworm main',
      'deb http://deb.debian.org/debian bookworm-updates main',
      'deb http://deb.debian.org/debian-security bookworm-security main',
    ],
  });
});

test('credentials in the address of a mirror are for apt alone, not for the lines that stay in the image', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'murmur-apt-'));
  const address = 'https://robot:s%2Fcret@mirror.example:8443/debian';
  await writeFile(path.join(folder, 'sources.list'), `deb ${address} bookworm main\n`);
  expect(await aptSources(folder)).toEqual({
    auth: 'machine https://mirror.example:8443/debian login robot password s/cret\n',
    lines: [
      'deb https://mirror.example:8443/debian bookworm main',
      'deb https://mirror.example:8443/debian bookworm-updates main',
      'deb http://deb.debian.org/debian-security bookworm-security main',
    ],
  });
  await rm(folder, { recursive: true });
});
