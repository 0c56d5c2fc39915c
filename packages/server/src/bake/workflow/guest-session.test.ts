import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import { PlacementSchema } from '@murmur/api';
import { pino } from 'pino';
import { expect, test } from 'vitest';

import { deriveGuestKeys } from '../../substrates/guest-keys.js';
import { createQemuSubstrate } from '../../substrates/qemu/index.js';
import { buildTinyBase } from '../../substrates/qemu/tiny.js';
import { PlatformFault } from '../../substrates/substrate.js';
import { guestSession } from './guest-session.js';
import { newRunId, stepToken } from '../starting/names.js';

test('a guest that does not end what it was asked is asked once more over another connection, and is then lost', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'murmur-session-'));
  const substrate = await createQemuSubstrate({ dataDir, runtimeDir: dataDir, installation: 'session', log: pino({ level: 'silent' }) });
  const keys = deriveGuestKeys(randomBytes(64));
  const { signal } = new AbortController();
  const token = stepToken(newRunId(), 1, 'launch');
  const site = substrate.siteOf(create(PlacementSchema), '');
  const spec = {
    owner: { installation: 'session', tenant: 'local/default', runId: '' },
    base: { immutableId: await buildTinyBase({ dataDir, runtimeDir: dataDir }), architecture: 'AMD64' as const },
    site,
    attempt: 1,
    diskType: '',
    vcpus: 1,
    memoryMb: 128,
    machineType: '',
    diskSizeGb: 0,
    keys,
    lifetimeSeconds: 600,
  };
  try {
    const machine = await substrate.launch(spec, token, signal);
    await substrate.waitReady(machine, keys, signal);
    await using session = guestSession({ machine }, { keys, signal, substrate });
    const connections: string[] = [];

    const asked = session.use(3000, async (channel, limited) => {
      // The process that serves this connection.
      connections.push((await channel.run('echo $PPID', { signal: limited })).stdout);
      await channel.run('sleep 600', { signal: limited });
    });

    await expect(asked).rejects.toEqual(new PlatformFault('the machine did not answer for 3 s'));
    expect(new Set(connections).size).toBe(2);
  } finally {
    await substrate.destroy(site, token, signal);
    await substrate.close();
    await rm(dataDir, { recursive: true, force: true });
  }
});
