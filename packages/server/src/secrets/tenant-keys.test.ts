import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type TestDatabase, testDatabase } from '../database/testing.js';
import { type KeyProvider, openKeyFile } from './key-provider.js';
import { createTenantKeys, type TenantKey } from './tenant-keys.js';

describe('tenant keys', () => {
  let db: TestDatabase;
  let folder: string;
  let provider: KeyProvider;
  let ours: TenantKey;
  let theirs: TenantKey;
  beforeAll(async () => {
    db = await testDatabase();
    folder = await mkdtemp(path.join(tmpdir(), 'murmur-keys-'));
    provider = await openKeyFile(path.join(folder, 'master.key'));
    await db.database
      .insertInto('tenants')
      .values(['local/ours', 'local/theirs', 'local/new'].map((id) => ({ id })))
      .execute();
    const keys = createTenantKeys(db.database, provider);
    ours = await keys.of('local/ours');
    theirs = await keys.of('local/theirs');
  });
  afterAll(async () => {
    await db.close();
    await rm(folder, { recursive: true });
  });

  test('a sealed value opens with the same associated text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), (bytes, associated) => {
        const sealed = ours.seal(Buffer.from(bytes), associated);
        expect(ours.open(sealed, associated)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test('sealing the same value twice shows nothing of it, nor that it is the same', () => {
    const value = Buffer.from('hunter2 hunter2');
    const first = ours.seal(value, 'a');
    expect(first.equals(ours.seal(value, 'a'))).toBe(false);
    expect(first.includes('hunter2')).toBe(false);
  });

  test('a value does not open elsewhere, for another tenant, or changed in any bit', () => {
    const sealed = ours.seal(Buffer.from('hunter2'), 'run 1');
    const failure = 'an encrypted value cannot be opened';
    expect(() => ours.open(sealed, 'run 2')).toThrow(failure);
    expect(() => theirs.open(sealed, 'run 1')).toThrow(failure);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => ours.open(changed, 'run 1')).toThrow(failure);
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => ours.open(sealed.subarray(0, length), 'run 1')).toThrow(failure);
    }
  });

  test('an HMAC depends on tenant, purpose and value', () => {
    const reference = ours.hmac('image identity', 'value');
    expect(reference).toMatch(/^[0-9a-f]{64}$/);
    expect(ours.hmac('image identity', 'value')).toBe(reference);
    const others = [theirs.hmac('image identity', 'value'), ours.hmac('other', 'value'), ours.hmac('image identity', 'values')];
    expect(others).not.toContain(reference);
  });

  test('derived bytes depend on tenant and purpose', () => {
    const reference = ours.derive('guest keys', 64);
    expect(reference).toHaveLength(64);
    expect(ours.derive('guest keys', 64)).toEqual(reference);
    expect(theirs.derive('guest keys', 64)).not.toEqual(reference);
    expect(ours.derive('guest keyz', 64)).not.toEqual(reference);
  });

  test('servers that ask for a new tenant’s key at once get the same one', async () => {
    const servers = await Promise.all(Array.from({ length: 6 }, () => createTenantKeys(db.database, provider).of('local/new')));
    expect(new Set(servers.map((key) => key.hmac('a', 'b'))).size).toBe(1);
  });

  test('the key is another server’s too, and not readable in the database', async () => {
    const again = await createTenantKeys(db.database, provider).of('local/ours');
    expect(again.hmac('a', 'b')).toBe(ours.hmac('a', 'b'));
    const row = await db.database.selectFrom('tenant_keys').selectAll().where('tenant', '=', 'local/ours').executeTakeFirstOrThrow();
    expect(row.kek_id).toBe(provider.id);
    expect(row.wrapped_key).toHaveLength(1 + 12 + 32 + 16);
  });

  test('one tenant’s wrapped key does not open as another’s', async () => {
    const database = db.database;
    const { wrapped_key } = await database
      .selectFrom('tenant_keys')
      .select('wrapped_key')
      .where('tenant', '=', 'local/ours')
      .executeTakeFirstOrThrow();
    await database.insertInto('tenants').values({ id: 'local/thief' }).execute();
    await database.insertInto('tenant_keys').values({ tenant: 'local/thief', kek_id: provider.id, wrapped_key }).execute();
    await expect(createTenantKeys(database, provider).of('local/thief')).rejects.toThrow('an encrypted value cannot be opened');
  });

  test('a failure is not remembered', async () => {
    const keys = createTenantKeys(db.database, provider);
    await expect(keys.of('local/late')).rejects.toThrow('foreign key');
    await db.database.insertInto('tenants').values({ id: 'local/late' }).execute();
    expect((await keys.of('local/late')).hmac('a', 'b')).toMatch(/^[0-9a-f]{64}$/);
  });
});
