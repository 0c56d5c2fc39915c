import { createLocalJWKSet, jwtVerify } from 'jose';
import { expect, onTestFinished, test } from 'vitest';

import { testDatabase } from '../database/testing.js';
import { PLATFORM_TENANT } from '../catalog/context.js';
import { createTenantKeys } from '../secrets/tenant-keys.js';
import { testKeyProvider } from '../secrets/testing.js';
import { createOwnIssuer } from './own-issuer.js';

test('servers on one database sign with one key, which is sealed there and whose public half alone is told', async () => {
  const own = await testDatabase();
  onTestFinished(() => own.close());
  const { database } = own;
  await database
    .insertInto('tenants')
    .values({ id: PLATFORM_TENANT })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const provider = testKeyProvider;
  const issuer = () => createOwnIssuer({ database, tenantKeys: createTenantKeys(database, provider), url: 'https://murmur.example' });
  const [first, second] = [issuer(), issuer()];
  const [token, set, other] = await Promise.all([
    first.sign({ subject: 'github_app/acme', audience: 'https://iam.googleapis.com/provider' }),
    second.jwks(),
    first.jwks(),
  ]);
  expect(set).toEqual(other);
  expect(set.keys.map((key) => Object.keys(key).sort())).toEqual([['alg', 'e', 'kid', 'kty', 'n', 'use']]);

  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: [...set.keys] }));
  expect(protectedHeader).toEqual({ alg: 'RS256', kid: set.keys[0]?.kid, typ: 'JWT' });
  const { aud, exp = 0, iat = 0, iss, sub } = payload;
  expect({ aud, iss, sub }).toEqual({ aud: 'https://iam.googleapis.com/provider', iss: 'https://murmur.example', sub: 'github_app/acme' });
  expect(exp - iat).toBe(600);
  const { sealed } = await database.selectFrom('issuer_key').select('sealed').executeTakeFirstOrThrow();
  expect(sealed.includes('PRIVATE KEY')).toBe(false);
  expect(second.configuration()).toMatchObject({
    issuer: 'https://murmur.example',
    jwks_uri: 'https://murmur.example/.well-known/jwks.json',
  });
});
