import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type TestDatabase, testDatabase } from '../database/testing.js';
import { createApiKey, revokeApiKey } from './api-keys.js';
import { authenticate } from './authenticate.js';

const refusal = {
  code: 'UNAUTHENTICATED',
  message: 'identity token is missing or expired',
  hint: 'Run `murmur auth` or check your `murmur.local.yaml` configuration.',
};
const request = { tenant: 'local/default', subject: 'ana', reach: 'tenant' } as const;

describe('authenticate', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
    await db.database
      .insertInto('tenants')
      .values([{ id: 'local/default' }, { id: 'local/other' }])
      .execute();
  });
  afterAll(() => db.close());

  test('a key names its tenant, its subject and whether it is an operator’s', async () => {
    const member = await createApiKey(db.database, request);
    const operator = await createApiKey(db.database, { tenant: 'local/other', subject: 'root', reach: 'operator' });
    expect(member.token).toMatch(/^mur_[a-z0-9]{12}\.[A-Za-z0-9_-]{43}$/);
    expect(await authenticate(db.database, `Bearer ${member.token}`)).toEqual({
      tenant: 'local/default',
      subject: 'ana',
      keyId: member.id,
      operator: false,
    });
    expect(await authenticate(db.database, `bearer  ${operator.token} `)).toEqual({
      tenant: 'local/other',
      subject: 'root',
      keyId: operator.id,
      operator: true,
    });
  });

  test('the database holds no token', async () => {
    const { id, token } = await createApiKey(db.database, request);
    const { rows } = await db.pool.query<{ row: string }>('select k::text as row from api_keys k where id = $1', [id]);
    const secret = token.slice(token.indexOf('.') + 1);
    expect(rows[0]?.row).not.toContain(secret);
    expect(rows[0]?.row).not.toContain(Buffer.from(secret).toString('hex'));
    expect(rows[0]?.row).not.toContain(Buffer.from(secret, 'base64url').toString('hex'));
  });

  test('a header that is missing, malformed or unknown is refused', async () => {
    const { token } = await createApiKey(db.database, request);
    const [id, secret] = token.split('.');
    const headers = [
      null,
      '',
      'Bearer',
      'Bearer ',
      token,
      `Basic ${token}`,
      `Bearer ${token} ${token}`,
      `Bearer ${token}x`,
      `Bearer ${id}`,
      `Bearer ${id}.`,
      `Bearer ${id}.${'A'.repeat(43)}`,
      `Bearer mur_${'a'.repeat(12)}.${secret}`,
      `Bearer ${token.toUpperCase()}`,
      `Bearer mur_' or 1=1.${secret}`,
      `Bearer ${token}\u0000`,
    ];
    for (const header of headers) await expect(authenticate(db.database, header)).rejects.toMatchObject(refusal);
  });

  test('no other header is accepted', async () => {
    const { token } = await createApiKey(db.database, request);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.nat(token.length), async (noise, at) => {
        fc.pre(noise.trim() !== '' && noise !== token.charAt(at));
        const changed = token.slice(0, at) + noise + token.slice(at + 1);
        await expect(authenticate(db.database, `Bearer ${changed}`)).rejects.toMatchObject(refusal);
      }),
      { numRuns: 50 },
    );
  });

  test('a revoked key is refused from the next call on', async () => {
    const { id, token } = await createApiKey(db.database, request);
    await authenticate(db.database, `Bearer ${token}`);
    await revokeApiKey(db.database, 'local/default', id);
    await expect(authenticate(db.database, `Bearer ${token}`)).rejects.toMatchObject(refusal);
    await revokeApiKey(db.database, 'local/default', id);
  });

  test('a tenant cannot revoke another tenant’s key, nor learn of it', async () => {
    const { id, token } = await createApiKey(db.database, request);
    const failure = { code: 'NOT_FOUND', message: `API key "${id}" not found` };
    await expect(revokeApiKey(db.database, 'local/other', id)).rejects.toMatchObject(failure);
    await authenticate(db.database, `Bearer ${token}`);
  });

  test('a key is refused once it has expired', async () => {
    const past = await createApiKey(db.database, { ...request, lastsMs: -1000 });
    const future = await createApiKey(db.database, { ...request, lastsMs: 3_600_000 });
    await expect(authenticate(db.database, `Bearer ${past.token}`)).rejects.toMatchObject(refusal);
    expect(await authenticate(db.database, `Bearer ${future.token}`)).toMatchObject({
      keyId: future.id,
      end: { at: future.row.expires_at, lastsMs: expect.any(Number) },
    });
  });
});
