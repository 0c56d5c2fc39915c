import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { logHas, logOf, runEnded, runsOf, setRecipe } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { machinesOf } from './harness/machines.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';
import { eventually } from './harness/wait.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;
const long = 300_000;

describe('a database restored on a new host, without the images of the old one', () => {
  let old: TestServer;
  let server: TestServer;
  let image = '';
  let interrupted = '';

  beforeAll(async () => {
    old = await startServer();
    await setTinyImage(old);
    await setRecipe(old, 'kept', '#!/bin/sh\necho kept > /opt/kept\n');
    await setRecipe(old, 'interrupted', '#!/bin/sh\necho begun\nsleep 600\n', { provisioning_timeout: '15m' });
    await murmurOk(old, ['bake', '--wait', 'kept', ...place]);
    ({ image_name: image } = await runEnded(old, 'kept'));
    await murmurOk(old, ['bake', 'interrupted', ...place]);
    const [run] = await runsOf(old, 'interrupted');
    interrupted = run?.run_id ?? '';
    await logHas(old, interrupted, 'begun');
    // Its machine goes on there, on a host that is never seen again.
    await old.stop();
    server = await startServer({ restored: { of: old, names: ['postgres', 'master.key', 'admin.key'] } });
  }, long);
  afterAll(async () => {
    await server.remove();
    await old.remove();
  });

  it('says at its start what is lost', async () => {
    expect(await server.log()).toMatch(/"images":1,"bakes":1,"msg":"what another host had is lost/);
    expect(await murmurOk(server, ['host', 'ls'])).toMatch(/RETIRED/);
  });

  it(
    'ends the interrupted bake with the reason, and says what a bake lacks and what to do',
    async () => {
      expect(await runEnded(server, 'interrupted')).toMatchObject({ run_id: interrupted, phase: 'failed' });
      expect(await logOf(server, interrupted)).toContain('murmur: the host of this bake is gone');
      const refused = await murmur(server, ['bake', 'kept', ...place]);
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.stderr).toMatch(/^murmur: FAILED_PRECONDITION: .* is not on this (host|server)\nBuild the base image/m);
      const tried = await murmur(server, ['try', image, ...place, '--', 'true']);
      expect(tried.stderr).toMatch(/^murmur: FAILED_PRECONDITION: /);
    },
    long,
  );

  it(
    'bakes anew once the base is there, and the image can be used under its name again',
    async () => {
      await setTinyImage(server);
      expect(await murmurOk(server, ['bake', '--wait', 'kept', ...place])).toContain('Bake started');
      const { image_name: again } = await runEnded(server, 'kept');
      expect((await murmurOk(server, ['try', again, ...place, '--', 'cat', '/opt/kept'])).trim()).toBe('kept');
      expect(await murmurOk(server, ['bake', 'kept', ...place])).toContain('already cached');
      await eventually('no machine to be left', async () => ((await machinesOf(server.dataDir)).length === 0 ? true : undefined));
    },
    long,
  );
});
