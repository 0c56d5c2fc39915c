import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { MurmurError } from '@murmur/api';
import ssh2 from 'ssh2';
import { expect, test } from 'vitest';

import { deriveGuestKeys } from './guest-keys.js';
import { connectSsh } from './ssh.js';

const keys = deriveGuestKeys(randomBytes(64));

/** What a login comes to at a server that has this host key and refuses everybody. */
async function loginTo(hostPrivate: string): Promise<unknown> {
  const server = new ssh2.Server({ hostKeys: [hostPrivate] }, (client) =>
    client.on('authentication', (attempt) => attempt.reject(['publickey'])).on('error', () => undefined),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await connectSsh({ host: '127.0.0.1', port, keys, signal: new AbortController().signal }).catch((error: unknown) => error);
  } finally {
    server.close();
  }
}

test('a login that the image refuses is said to be its doing, with what to do about it', async () => {
  const refused = await loginTo(keys.hostPrivate);
  expect(refused).toBeInstanceOf(MurmurError);
  expect(refused).toMatchObject({ code: 'FAILED_PRECONDITION', message: 'the image refuses the login as root that Murmur needs' });
  expect((refused as MurmurError).hint).toContain('Bake the image again');
});

test('another host key than the one a machine was given is said, with what to do about it', async () => {
  const refused = await loginTo(deriveGuestKeys(randomBytes(64)).hostPrivate);
  expect(refused).toBeInstanceOf(MurmurError);
  expect(refused).toMatchObject({ code: 'FAILED_PRECONDITION', message: expect.stringMatching(/presented another host key than the one/) });
  expect((refused as MurmurError).hint).toContain('Bake the image again');
});
