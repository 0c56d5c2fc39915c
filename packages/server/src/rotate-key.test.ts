import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { lockDataDir } from './host/data-dir-lock.js';
import { testDatabase, type TestDatabase } from './database/testing.js';
import { enrol } from './bake/hosts/enrol.js';
import { hostIdOf } from './host/host-id.js';
import { rotateKey, type RotateKeyOptions } from './rotate-key.js';
import { openEnvKey } from './secrets/key-provider.js';
import { openKeyRing } from './secrets/key-ring.js';
import { createTenantKeys } from './secrets/tenant-keys.js';

let db: TestDatabase;
let dataDir: string;
beforeEach(async () => {
  db = await testDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'murmur-rotate-'));
  await db.database.insertInto('tenants').values({ id: 'local/default' }).execute();
});
afterEach(async () => {
  await db.close();
  await rm(dataDir, { recursive: true });
});

const enrolAs = (hostId: string) => enrol(db.database, { hostId, instance: randomUUID() }, pino({ level: 'silent' }));
const rotate = (options: Partial<RotateKeyOptions> = {}) => rotateKey({ dataDir, databaseUrl: db.url, environment: {}, ...options });

async function fingerprint(environmentKey?: ReturnType<typeof openEnvKey>): Promise<string> {
  const ring = await openKeyRing(db.database, { file: join(dataDir, 'master.key'), environmentKey });
  return (await createTenantKeys(db.database, ring).of('local/default')).hmac('a', 'b');
}

describe('rotateKey', () => {
  test('replaces the key file of a server that has stopped', async () => {
    const before = await fingerprint();
    await enrolAs(await hostIdOf(dataDir));
    const { from, retired, tenants, to } = await rotate();
    expect({ tenants, place: to.place, retired }).toEqual({
      tenants: 1,
      place: join(dataDir, 'master.key'),
      retired: join(dataDir, `master.key.${from[0]}.retired`),
    });
    expect(await fingerprint()).toBe(before);
    expect((await readdir(dataDir)).toSorted()).toEqual(['host-id', 'master.key', `master.key.${from[0]}.retired`]);
  });

  test('takes keys from the environment, and out of it', async () => {
    const before = await fingerprint(openEnvKey('OLD', 'ab'.repeat(32)));
    const environment: Record<string, string | undefined> = { OLD: 'ab'.repeat(32), NEW: 'cd'.repeat(32) };
    await writeFile(join(dataDir, 'server.yaml'), 'key_provider: {env: OLD}\n');
    const unnamed = rotate({ environment: { ...environment } });
    await expect(unnamed).rejects.toThrow('the master key in $OLD has no successor');
    const { to } = await rotate({ newKeyVariable: 'NEW', environment });
    expect(to.place).toBe('$NEW');
    expect(environment).toEqual({});
    expect(await fingerprint(openEnvKey('NEW', 'cd'.repeat(32)))).toBe(before);
  });

  test('refuses while a server runs on the data directory or on the database', async () => {
    await fingerprint();
    const lock = await lockDataDir(dataDir);
    await expect(rotate()).rejects.toThrow(`data directory ${dataDir} is in use by the Murmur server with process id ${process.pid}`);
    await lock.release();
    await enrolAs('other');
    await expect(rotate()).rejects.toThrow('another Murmur server uses this database');
    expect((await readdir(dataDir)).toSorted()).toEqual(['host-id', 'master.key']);
  });

  test('makes no data directory of a misspelt one', async () => {
    await expect(rotate({ dataDir: join(dataDir, 'typo') })).rejects.toThrow(
      `${join(dataDir, 'typo')} is not the data directory of a server`,
    );
    await expect(rotate({ databaseUrl: undefined })).rejects.toThrow(`${dataDir} is not the data directory of a server`);
    expect(await readdir(dataDir)).toEqual([]);
  });
});
