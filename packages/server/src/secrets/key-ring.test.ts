import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdtemp, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { type TestDatabase, testDatabase } from '../database/testing.js';
import { openEnvKey, openKeyFile } from './key-provider.js';
import { openKeyRing } from './key-ring.js';
import { rotateMasterKey, type Rotation, type RotationParts } from './rotate.js';
import { createTenantKeys } from './tenant-keys.js';

const tenants = ['local/a', 'local/b', 'github_app/c'];
const first = openEnvKey('MASTER', 'ab'.repeat(32));
const second = openEnvKey('NEXT_MASTER', Buffer.alloc(32, 7).toString('base64'));

let db: TestDatabase;
let dataDir: string;
let file: string;
beforeEach(async () => {
  db = await testDatabase();
  dataDir = await mkdtemp(path.join(tmpdir(), 'murmur-ring-'));
  file = path.join(dataDir, 'master.key');
  await db.database
    .insertInto('tenants')
    .values(tenants.map((id) => ({ id })))
    .execute();
});
afterEach(async () => {
  await db.close();
  await rm(dataDir, { recursive: true });
});

/** What every tenant's key makes of one text, as a server that starts now sees it. */
async function fingerprints(places: Partial<RotationParts> = {}): Promise<readonly string[]> {
  const keys = createTenantKeys(db.database, await openKeyRing(db.database, { file, ...places }));
  return Promise.all(tenants.map(async (tenant) => (await keys.of(tenant)).hmac('a', 'b')));
}

/** Rotates, but stops as a crash would after so many steps; the steps that were done, and the result of a whole rotation. */
async function rotate(parts: Partial<RotationParts> = {}, mostSteps = Infinity): Promise<{ steps: string[]; rotation?: Rotation }> {
  const rotation = rotateMasterKey({ database: db.database, file, ...parts });
  const steps: string[] = [];
  while (steps.length < mostSteps) {
    const next = await rotation.next();
    if (next.done === true) return { steps, rotation: next.value };
    steps.push(next.value);
  }
  return { steps };
}

async function keyIds(): Promise<readonly string[]> {
  const rows = await db.database.selectFrom('tenant_keys').select('kek_id').distinct().execute();
  return rows.map((row) => row.kek_id);
}

describe('a master key in a file', () => {
  test('is rotated: the tenants’ keys stay, the file is another, the old one is kept beside it', async () => {
    const before = await fingerprints();
    const old = await openKeyFile(file);
    const { rotation, steps } = await rotate();
    const current = await openKeyFile(file);
    expect(current.id).not.toBe(old.id);
    expect(rotation).toMatchObject({ from: [old.id], tenants: 3, to: { id: current.id, place: current.place } });
    expect(steps).toHaveLength(4);
    expect(await keyIds()).toEqual([current.id]);
    expect((await readdir(dataDir)).toSorted()).toEqual(['master.key', `master.key.${old.id}.retired`]);
    for (const name of await readdir(dataDir)) expect((await stat(path.join(dataDir, name))).mode & 0o777).toBe(0o600);
    expect(await fingerprints()).toEqual(before);
  });

  test.each([0, 1, 2, 3, 4])('after a crash behind step %i of a rotation the next start reads everything', async (steps) => {
    const before = await fingerprints();
    await rotate({}, steps);
    expect(await fingerprints()).toEqual(before);
    const wrappedBy = await keyIds();
    expect(wrappedBy).toEqual([(await openKeyFile(file)).id]);
    await rotate();
    expect(await fingerprints()).toEqual(before);
    expect(await keyIds()).not.toEqual(wrappedBy);
    expect(await readdir(dataDir)).not.toContain('master.key.next');
  });

  test.each([1, 2, 3])('a rotation that was cut off behind step %i can be started again', async (steps) => {
    const before = await fingerprints();
    await rotate({}, steps);
    await rotate();
    expect(await fingerprints()).toEqual(before);
    expect(await readdir(dataDir)).not.toContain('master.key.next');
  });

  test('what a crash has left of making a key goes, and nothing else', async () => {
    await fingerprints();
    const drafts = ['master.key', 'master.key.next'].map((name) => `${name}.${randomUUID()}`);
    const others = ['master.key.mine', 'other', `master.keys.${randomUUID()}`];
    for (const name of [...drafts, ...others]) await copyFile(file, path.join(dataDir, name));
    await fingerprints();
    expect((await readdir(dataDir)).toSorted()).toEqual(['master.key', ...others].toSorted());
  });

  test('a rotation that cannot write the database leaves it under the old key', async () => {
    const before = await fingerprints();
    await db.database
      .updateTable('tenant_keys')
      .set({ wrapped_key: Buffer.alloc(61) })
      .where('tenant', '=', 'local/b')
      .execute();
    const [damaged] = await db.database.selectFrom('tenant_keys').selectAll().where('tenant', '=', 'local/a').execute();
    await expect(rotate()).rejects.toThrow('an encrypted value cannot be opened');
    expect(await db.database.selectFrom('tenant_keys').selectAll().where('tenant', '=', 'local/a').execute()).toEqual([damaged]);
    await db.database.deleteFrom('tenant_keys').where('tenant', '=', 'local/b').execute();
    expect((await fingerprints())[0]).toBe(before[0]);
  });

  test('a backup from before a rotation opens with the retired key, until the next rotation', async () => {
    const before = await fingerprints();
    const backup = await db.database.selectFrom('tenant_keys').selectAll().execute();
    await rotate();
    await db.database.deleteFrom('tenant_keys').execute();
    await db.database.insertInto('tenant_keys').values(backup).execute();
    expect(await fingerprints()).toEqual(before);
    const ring = await openKeyRing(db.database, { file });
    expect(ring.others).toEqual(backup.slice(0, 1).map((row) => row.kek_id));
    await rotate();
    expect((await openKeyRing(db.database, { file })).others).toEqual([]);
    expect(await fingerprints()).toEqual(before);
  });

  test('another key is refused with the ids of both, and so is none; nothing is made', async () => {
    await fingerprints();
    const { id } = await openKeyFile(file);
    await rename(file, path.join(dataDir, 'elsewhere'));
    await expect(openKeyRing(db.database, { file })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: `this database was encrypted with master key ${id}, and ${file} does not exist`,
    });
    expect(await readdir(dataDir)).toEqual(['elsewhere']);
    const other = await openKeyFile(file);
    await expect(openKeyRing(db.database, { file })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: `this database was encrypted with master key ${id}, and ${file} holds ${other.id}`,
    });
  });

  test('a second server of a database that has encrypted nothing yet is refused with another key', async () => {
    const { id } = await openKeyRing(db.database, { file });
    const elsewhere = path.join(dataDir, 'other.key');
    await expect(openKeyRing(db.database, { file: elsewhere })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: `this database was encrypted with master key ${id}, and ${elsewhere} does not exist`,
    });
    const other = await openKeyFile(elsewhere);
    await expect(openKeyRing(db.database, { file: elsewhere })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: `this database was encrypted with master key ${id}, and ${elsewhere} holds ${other.id}`,
    });
  });

  test('of servers that start at once with keys of their own, all that start have the same', async () => {
    const files = ['a', 'b', 'c'].map((name) => path.join(dataDir, name));
    const rings = await Promise.allSettled(files.map((each) => openKeyRing(db.database, { file: each })));
    expect(rings.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('a key that does not open what it should have wrapped is not used', async () => {
    await openKeyRing(db.database, { file });
    await db.database
      .updateTable('master_key')
      .set({ wrapped_value: Buffer.alloc(61) })
      .execute();
    await expect(openKeyRing(db.database, { file })).rejects.toThrow('an encrypted value cannot be opened');
  });

  test('a retired key that others can read is refused', async () => {
    await fingerprints();
    const { rotation } = await rotate();
    await chmod(rotation?.retired ?? '', 0o644);
    await expect(openKeyRing(db.database, { file })).rejects.toThrow('is open to others (mode 0644)');
  });
});

describe('a master key in the environment', () => {
  test('encrypts a new database, and no file is made', async () => {
    await fingerprints({ environmentKey: first });
    expect(await keyIds()).toEqual([first.id]);
    expect(await readdir(dataDir)).toEqual([]);
  });

  test('is rotated to the one of another variable', async () => {
    const before = await fingerprints({ environmentKey: first });
    const { rotation } = await rotate({ environmentKey: first, newKey: second });
    expect(rotation).toEqual({ from: [first.id], to: second, tenants: 3 });
    expect(await fingerprints({ environmentKey: second })).toEqual(before);
    await expect(fingerprints({ environmentKey: first })).rejects.toThrow(
      `this database was encrypted with master key ${second.id}, and $MASTER holds ${first.id}`,
    );
    expect(await readdir(dataDir)).toEqual([]);
  });

  test('wraps nothing before it has taken over: a server without it can still read what is new', async () => {
    await openKeyRing(db.database, { file });
    await createTenantKeys(db.database, await openKeyRing(db.database, { file, environmentKey: first })).of('local/a');
    expect(await keyIds()).toEqual([(await openKeyFile(file)).id]);
    await rotate({ environmentKey: first });
    expect(await keyIds()).toEqual([first.id]);
    expect((await openKeyRing(db.database, { file, environmentKey: first })).others).toEqual([]);
  });

  test('takes over what a key file has wrapped', async () => {
    const before = await fingerprints();
    expect(await fingerprints({ environmentKey: first })).toEqual(before);
    const { id } = await openKeyFile(file);
    expect((await rotate({ environmentKey: first })).rotation).toMatchObject({ from: [id], tenants: 3 });
    await copyFile(file, path.join(dataDir, 'kept'));
    await rm(file);
    expect(await fingerprints({ environmentKey: first })).toEqual(before);
    expect(await readFile(path.join(dataDir, 'kept'))).toHaveLength(32);
  });
});
