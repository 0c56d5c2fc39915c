import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { type TestDatabase, testDatabase } from '../database/testing.js';
import { createApiKey, revokeApiKey } from './api-keys.js';
import { authenticate } from './authenticate.js';
import { ensureFirstTenant } from './first-tenant.js';

describe('ensureFirstTenant', () => {
  let db: TestDatabase;
  let dataDir: string;
  let file: string;
  beforeEach(async () => {
    db = await testDatabase();
    dataDir = await mkdtemp(path.join(tmpdir(), 'murmur-access-'));
    file = path.join(dataDir, 'admin.key');
  });
  afterEach(async () => {
    await db.close();
    await rm(dataDir, { recursive: true });
  });

  const start = () => ensureFirstTenant({ database: db.database, dataDir });
  const signIn = async () => authenticate(db.database, `Bearer ${(await readFile(file, 'utf8')).trim()}`);

  test('the first start makes both tenants and an admin key that only its owner can read', async () => {
    await start();
    const tenants = await db.database.selectFrom('tenants').select('id').orderBy('id').execute();
    expect(tenants.map((tenant) => tenant.id)).toEqual(['local/default', 'murmur/platform']);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await signIn()).toMatchObject({ tenant: 'local/default', subject: 'admin', operator: true });
    expect(await readdir(dataDir)).toEqual(['admin.key']);
  });

  test('a later start changes nothing', async () => {
    await start();
    const before = await readFile(file, 'utf8');
    await start();
    expect(await readFile(file, 'utf8')).toBe(before);
    expect(await db.database.selectFrom('api_keys').select('id').execute()).toHaveLength(1);
  });

  test.each([
    ['is missing', () => rm(file)],
    ['is empty', () => writeFile(file, '')],
    ['is torn', async () => writeFile(file, (await readFile(file, 'utf8')).slice(0, 30))],
    ['belongs to another database', () => writeFile(file, `mur_${'a'.repeat(12)}.${'A'.repeat(43)}\n`)],
    ['was revoked', async () => revokeApiKey(db.database, 'local/default', (await signIn()).keyId)],
    [
      'is not an operator’s',
      async () => writeFile(file, (await createApiKey(db.database, { tenant: 'local/default', subject: 'ana', reach: 'tenant' })).token),
    ],
  ])('a key file that %s is replaced', async (_, damage) => {
    await start();
    await damage();
    await start();
    expect(await signIn()).toMatchObject({ tenant: 'local/default', operator: true });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test('a key that others could read is revoked and replaced', async () => {
    await start();
    const exposed = await readFile(file, 'utf8');
    await chmod(file, 0o644);
    await start();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await signIn()).toMatchObject({ operator: true });
    await expect(authenticate(db.database, `Bearer ${exposed.trim()}`)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('a key whose file could not be written does not stay valid', async () => {
    await rm(dataDir, { recursive: true });
    await expect(start()).rejects.toThrow('ENOENT');
    const live = await db.database.selectFrom('api_keys').select('id').where('revoked_at', 'is', null).execute();
    expect(live).toEqual([]);
    dataDir = await mkdtemp(path.join(tmpdir(), 'murmur-access-'));
  });
});
