import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema, QemuSourceSchema, StartBakeRequestSchema } from '@murmur/api';
import { pino } from 'pino';
import { expect, test } from 'vitest';

import { writeBuiltins, writePlatformImage } from '../../catalog/builtins.js';
import { everything } from '../../catalog/context.js';
import { testContext } from '../../catalog/testing.js';
import { setResource } from '../../catalog/verbs/set.js';
import { testDatabase } from '../../database/testing.js';
import { openKeyFile } from '../../secrets/key-provider.js';
import { createTenantKeys } from '../../secrets/tenant-keys.js';
import { createQemuSubstrate } from '../../substrates/qemu/index.js';
import { buildTinyBase } from '../../substrates/qemu/tiny.js';
import type { Substrate } from '../../substrates/substrate.js';
import { createBakery } from '../index.js';
import { returnRoom, takenRoom } from './claims.js';
import { testRoom } from './testing.js';

const whole = process.env['MURMUR_FULL'] === 'sweep';
const bakes = whole ? 200 : 30;
const tenants = ['local/a', 'local/b', 'local/c'];

/**
 * A host whose machines are names in memory, for more of them than a test can boot: everything else is real. Notes the order
 * in which machines came and the most that there were at once.
 */
function hostOfNames(real: Substrate, ready: Promise<void>): { substrate: Substrate; launched: string[]; most(): number } {
  const machines = new Set<string>();
  const launched: string[] = [];
  let most = 0;
  const digest = () => `sha256:${randomBytes(32).toString('hex')}`;
  const answered = { exitCode: 0, stdout: '', stderr: '' };
  const substrate: Substrate = {
    ...real,
    async launch({ owner, site }, token) {
      if (!machines.has(token)) launched.push(owner.tenant);
      machines.add(token);
      most = Math.max(most, machines.size);
      return { token, site, handle: { token } };
    },
    waitReady: () => ready,
    channel: async () => ({
      run: () => Promise.resolve(answered),
      async stream(_command, sink) {
        // Its script has ended before it is read for the first time.
        sink.stderr(Buffer.from('started\nexited 0\n'));
        return 0;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
    async capture() {
      const diskDigest = digest();
      return { source: { case: 'qemu', value: create(QemuSourceSchema, { diskDigest }) }, reference: { diskDigest } };
    },
    keepImage: () => Promise.resolve(),
    destroy: async (_site, token) => void machines.delete(token),
    listOwned: () => Promise.resolve({ things: [] }),
  };
  return { substrate, launched, most: () => most };
}

test(
  `${bakes} bakes of three tenants on room for four all complete, tenants in turn`,
  { timeout: whole ? 1_800_000 : 180_000 },
  async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'murmur-many-'));
    const db = await testDatabase();
    const log = pino({ level: process.env['MURMUR_LOG_LEVEL'] ?? 'silent' });
    await db.database
      .insertInto('tenants')
      .values(tenants.map((id) => ({ id })))
      .execute();
    await writeBuiltins(db.database, { localSubstrates: ['QEMU'], localArchitecture: 'AMD64' });
    const real = await createQemuSubstrate({ dataDir, runtimeDir: dataDir, installation: 'many', log });
    let allAsked: () => void = () => undefined;
    const host = hostOfNames(real, new Promise((resolve) => (allAsked = resolve)));
    const diskDigest = await buildTinyBase({ dataDir, runtimeDir: dataDir });
    const source = { case: 'qemu', value: { diskDigest } } as const;
    await writePlatformImage(db.database, create(ImageSchema, { name: 'murmur-qemu-base', architecture: Architecture.AMD64, source }));
    const bakery = createBakery({
      database: db.database,
      connection: db,
      tenantKeys: createTenantKeys(db.database, await openKeyFile(join(dataDir, 'master.key'))),
      substrates: new Map([['QEMU', host.substrate]]),
      installation: 'many',
      hostId: 'first',
      sharesDatabase: true,
      room: testRoom({ machines: { memoryMb: 4096, vcpus: 100 } }),
      retention: { runsSeconds: undefined, logsSeconds: undefined, auditSeconds: undefined },
      log,
    });
    await bakery.launch();
    try {
      const callers = tenants.map((tenant) => ({ tenant, subject: 'tester', permits: everything }));
      const ask = async (index: number) => {
        const caller = callers[Math.floor((index * callers.length) / bakes)] ?? callers[0];
        if (caller === undefined) throw new Error('there is no tenant');
        const recipe = {
          name: `r-${index}`,
          base_image_qemu_ref: 'murmur-qemu-base',
          provisioning_script: `#!/bin/sh\n# ${index}\n`,
          provisioning_timeout: '1m',
        };
        const document = { kind: 'recipe', name: recipe.name, document: JSON.stringify(recipe), fields: [] };
        await setResource(testContext(db.database, caller), document);
        const place = { environment: 'murmur-qemu-small', placement: 'murmur-qemu-local' };
        await bakery.start(caller, create(StartBakeRequestSchema, { recipe: recipe.name, ...place }), new AbortController().signal);
      };
      // One tenant asks for all of its bakes before the next one asks for any.
      for (let index = 0; index < bakes; index += 1) await ask(index);
      await expect.poll(() => host.launched).toEqual(['local/a', 'local/a', 'local/a', 'local/a']);
      allAsked();
      const live = db.database.selectFrom('runs').select('id').where('ended_at', 'is', null);
      await expect.poll(async () => (await live.execute()).length, { timeout: whole ? 1_700_000 : 170_000, interval: 200 }).toBe(0);

      const ends = await db.database.selectFrom('runs').select('phase').execute();
      expect(ends.map(({ phase }) => phase)).toEqual(Array.from({ length: bakes }, () => 'completed'));
      expect(host.most()).toBe(4);
      expect(host.launched).toHaveLength(bakes);
      // The last third of the machines is no single tenant's, as it would be if bakes went by age alone.
      expect(new Set(host.launched.slice(-Math.floor(bakes / 3))).size).toBeGreaterThan(1);
      await returnRoom(db.database);
      expect(await takenRoom(db.database, 'first')).toEqual([]);
    } finally {
      await bakery.shutdown();
      await real.close();
      await db.close();
      await rm(dataDir, { recursive: true, force: true });
    }
  },
);
