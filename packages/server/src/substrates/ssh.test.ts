import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { MurmurError } from '@murmur/api';
import ssh2 from 'ssh2';
import { expect, test } from 'vitest';

import { deriveGuestKeys } from './guest-keys.js';
import { connectSsh } from './ssh.js';

test('a login that the image refuses is said to be its doing, with what to do about it', async () => {
  const keys = deriveGuestKeys(randomBytes(64));
  const server = new ssh2.Server({ hostKeys: [keys.hostPrivate] }, (client) =>
    client.on('authentication', (attempt) => attempt.reject(['publickey'])).on('error', () => undefined),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const refused = await connectSsh({ host: '127.0.0.1', port, keys, signal: new AbortController().signal }).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(MurmurError);
    expect(refused).toMatchObject({ code: 'FAILED_PRECONDITION', message: 'the image refuses the login as root that Murmur needs' });
    expect((refused as MurmurError).hint).toContain('Bake the image again');
  } finally {
    server.close();
  }
});
