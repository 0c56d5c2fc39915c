import { createHmac } from 'node:crypto';

import { UnsecuredJWT } from 'jose';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { type TestDatabase, testDatabase } from '../database/testing.js';
import { createApiKey } from './api-keys.js';
import { authenticate } from './authenticate.js';
import { createIssuers, type IssuerConfig, type Issuers } from './oidc.js';
import { defaultKeyTiming } from './oidc-keys.js';
import { audience, startIssuer, testAlgorithms, type TestIssuer } from '@murmur/api/testing-issuer';

const refusal = { code: 'UNAUTHENTICATED', message: 'identity token is missing or expired' };
const away = { code: 'UNAVAILABLE', message: 'the issuer of the identity token does not answer' };
const now = () => Math.floor(Date.now() / 1000);

describe('identity tokens', () => {
  let db: TestDatabase;
  let issuer: TestIssuer;
  let other: TestIssuer;
  let logged: string[] = [];
  const log = pino({ level: 'info', base: null }, { write: (line) => logged.push(line) });

  beforeAll(async () => {
    db = await testDatabase();
    await db.database
      .insertInto('tenants')
      .values([{ id: 'local/default' }, { id: 'github_app/acme' }, { id: 'murmur/platform' }])
      .execute();
    [issuer, other] = await Promise.all([startIssuer(), startIssuer()]);
  });
  afterAll(async () => {
    await Promise.all([issuer.close(), other.close()]);
    await db.close();
  });
  afterEach(() => {
    vi.useRealTimers();
    issuer.answerWith(undefined);
    logged = [];
  });

  const configOf = (from: TestIssuer, change: Partial<IssuerConfig> = {}): IssuerConfig => ({
    issuer: from.url,
    audience,
    clientId: 'murmur-cli',
    scopes: ['openid'],
    tenant: { id: 'local/default' },
    subjectClaim: 'sub',
    subjectPrefix: '',
    ...change,
  });
  const issuersOf = (change: Partial<IssuerConfig> = {}): Issuers => createIssuers([configOf(issuer, change)], log);
  const signIn = (issuers: Issuers, token: string) => authenticate(db.database, `Bearer ${token}`, issuers);
  const expectRefused = async (issuers: Issuers, token: string) => expect(signIn(issuers, token)).rejects.toMatchObject(refusal);

  test.each(testAlgorithms)('one signed with %s names its holder, its issuer and its end', async (alg) => {
    const exp = now() + 600;
    expect(await signIn(issuersOf(), await issuer.token({ exp }, { alg }))).toEqual({
      tenant: 'local/default',
      subject: 'ana',
      keyId: '',
      issuer: issuer.url,
      end: { at: new Date(exp * 1000), lastsMs: expect.any(Number) },
      operator: false,
    });
  });

  test('nothing is fetched before the first token, and its keys only once', async () => {
    const asked = issuer.asked.length;
    const issuers = issuersOf();
    expect(issuer.asked.length).toBe(asked);
    await Promise.all([1, 2, 3].map(async () => signIn(issuers, await issuer.token())));
    await signIn(issuers, await issuer.token());
    expect(issuer.asked.slice(asked)).toEqual(['/.well-known/openid-configuration', '/jwks']);
  });

  const wrong: [string, Record<string, unknown>][] = [
    ['for another audience', { aud: 'somebody-else' }],
    ['for no audience', { aud: undefined }],
    ['of an unknown issuer', { iss: 'https://example.com' }],
    ['that writes its issuer differently', { iss: 'http://LOCALHOST' }],
    ['without an issuer', { iss: undefined }],
    ['whose issuer is no text', { iss: 7 }],
    ['that has expired', { exp: now() - 60 }],
    ['that never expires', { exp: undefined }],
    ['that is not yet valid', { nbf: now() + 600 }],
    ['without a subject', { sub: undefined }],
    ['with an empty subject', { sub: '' }],
    ['with a subject that drives a terminal', { sub: 'ana\u001b[2J' }],
    ['with an endless subject', { sub: 'a'.repeat(256) }],
    ['that speaks for a service profile', { sub: 'service-profile/deploy' }],
  ];
  test.each(wrong)('one %s is refused', async (_, claims) => {
    await expectRefused(issuersOf(), await issuer.token(claims));
  });

  test('clocks may differ by half a minute', async () => {
    expect(await signIn(issuersOf(), await issuer.token({ exp: now() - 5, nbf: now() + 5 }))).toMatchObject({ subject: 'ana' });
  });

  test('one among several audiences is enough, when it says that we asked for it', async () => {
    expect(await signIn(issuersOf(), await issuer.token({ aud: ['other', audience], azp: audience }))).toMatchObject({ subject: 'ana' });
    await expectRefused(issuersOf(), await issuer.token({ aud: ['other', audience] }));
  });

  test('one that was made for another client is refused, unless the operator names that', async () => {
    for (const azp of [audience, 'murmur-cli']) {
      expect(await signIn(issuersOf(), await issuer.token({ azp }))).toMatchObject({ subject: 'ana' });
    }
    for (const azp of ['other', '', 7, null, [audience]]) await expectRefused(issuersOf(), await issuer.token({ azp }));
    const trusting = issuersOf({ authorizedParties: ['other'] });
    expect(await signIn(trusting, await issuer.token({ azp: 'other' }))).toMatchObject({ subject: 'ana' });
    await expectRefused(issuersOf({ clientId: '' }), await issuer.token({ azp: '' }));
  });

  test('one without what the operator requires of it is refused', async () => {
    const issuers = issuersOf({ requiredClaims: { hd: 'acme.example', groups: 'builders', email_verified: 'true' } });
    const right = { hd: 'acme.example', groups: ['readers', 'builders'], email_verified: true };
    expect(await signIn(issuers, await issuer.token(right))).toMatchObject({ subject: 'ana' });
    const wrong = [{ hd: 'evil.example' }, { hd: undefined }, { hd: { 'acme.example': 1 } }, { groups: ['readers'] }, { groups: [] }];
    for (const claims of [...wrong, { groups: 'builders,readers' }, { email_verified: false }]) {
      await expectRefused(issuers, await issuer.token({ ...right, ...claims }));
    }
    await expectRefused(issuersOf({ requiredClaims: { toString: 'x' } }), await issuer.token());
    expect(logged.join('')).toContain('its claim hd is not');
  });

  test('what the issuer signs for other purposes is refused', async () => {
    for (const typ of ['at+jwt', 'logout+jwt']) await expectRefused(issuersOf(), await issuer.token({}, { typ }));
    expect(await signIn(issuersOf(), await issuer.token({}, { typ: 'JWT' }))).toMatchObject({ subject: 'ana' });
  });

  test('one that nobody signed is refused', async () => {
    const claims = { sub: 'ana' };
    const unsigned = new UnsecuredJWT(claims).setIssuer(issuer.url).setAudience(audience).setExpirationTime('1h').encode();
    await expectRefused(issuersOf(), unsigned);
    const [, body] = (await issuer.token()).split('.');
    for (const alg of ['none', 'None', 'NONE']) {
      const header = Buffer.from(JSON.stringify({ alg, kid: issuer.publicKey('RS256').kid })).toString('base64url');
      await expectRefused(issuersOf(), `${header}.${body}.`);
    }
  });

  test('one signed with the public key as a secret is refused', async () => {
    const { kid, n = '' } = issuer.publicKey('RS256');
    const [, body] = (await issuer.token()).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid })).toString('base64url');
    for (const secret of [JSON.stringify(issuer.publicKey('RS256')), n, Buffer.from(n, 'base64url')]) {
      const signature = createHmac('sha256', secret).update(`${header}.${body}`).digest('base64url');
      await expectRefused(issuersOf(), `${header}.${body}.${signature}`);
    }
  });

  test('one whose claims or signature were changed is refused', async () => {
    const [header, , signature] = (await issuer.token()).split('.');
    const [, better] = (await issuer.token({ sub: 'root' })).split('.');
    await expectRefused(issuersOf(), `${header}.${better}.${signature}`);
    await expectRefused(issuersOf(), `${header}.${better}.`);
  });

  test('a key in the token itself is not believed', async () => {
    const jwk = other.publicKey('ES256');
    const claims = { iss: issuer.url, aud: audience, sub: 'ana', exp: now() + 600 };
    const forged = await other.token(claims, { alg: 'ES256', kid: issuer.publicKey('ES256').kid ?? '' });
    const [, body, signature] = forged.split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', jwk, jku: `${other.url}/jwks` })).toString('base64url');
    await expectRefused(issuersOf(), `${header}.${body}.${signature}`);
  });

  test('one of another issuer is refused, also under the same key name', async () => {
    const both = createIssuers([configOf(issuer), configOf(other, { tenant: { id: 'github_app/acme' } })], log);
    expect(issuer.publicKey('RS256').kid).toBe(other.publicKey('RS256').kid);
    await expectRefused(both, await other.token({ iss: issuer.url }));
    await expectRefused(both, await issuer.token({ iss: other.url }));
    expect(await signIn(both, await other.token())).toMatchObject({ tenant: 'github_app/acme', issuer: other.url });
  });

  test('a very long one is refused without being looked at', async () => {
    const asked = issuer.asked.length;
    await expectRefused(issuersOf(), await issuer.token({ noise: 'x'.repeat(20_000) }));
    expect(issuer.asked.length).toBe(asked);
  });

  test.each(['a.b.c', '..', 'e30.e30.e30', `${'A'.repeat(40)}.${'A'.repeat(40)}.`, 'a.b', 'a.b.c.d.e', 'mur_.x'])(
    '%j is refused',
    async (token) => {
      await expectRefused(issuersOf(), token);
    },
  );

  describe('keys that change', () => {
    test('a token signed with a new key is accepted, and one signed with a withdrawn key once the old keys are forgotten is not', async () => {
      const issuers = createIssuers([configOf(issuer)], log, { ...defaultKeyTiming, cooldownMs: 0 });
      const old = await issuer.token();
      await signIn(issuers, old);
      await issuer.rotate('withdraw');
      // Believed for as long as keys are: asking at every call would make the issuer part of every call.
      await signIn(issuers, old);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + defaultKeyTiming.maxAgeMs + 1000 });
      await expectRefused(issuers, old);
      await signIn(issuers, await issuer.token());
      await issuer.rotate('keep');
      await signIn(issuers, await issuer.token());
    });

    test('tokens with unknown keys do not make the server ask again and again', async () => {
      const issuers = issuersOf();
      await signIn(issuers, await issuer.token());
      const asked = issuer.asked.length;
      for (const kid of ['a', 'b', 'c']) await expectRefused(issuers, await issuer.token({}, { kid }));
      expect(issuer.asked.length).toBe(asked);
    });
  });

  describe('an issuer that does not answer', () => {
    const impatient = { ...defaultKeyTiming, timeoutMs: 1500, cooldownMs: 0 };

    test.each(['silence', 'an error'] as const)('but with %s makes its tokens unavailable, and them alone', async (answer) => {
      const issuers = createIssuers([configOf(issuer), configOf(other)], log, impatient);
      issuer.answerWith(answer);
      await expect(signIn(issuers, await issuer.token())).rejects.toMatchObject({ ...away, hint: expect.stringContaining('Try again') });
      const { token } = await createApiKey(db.database, { tenant: 'local/default', subject: 'bo', reach: 'tenant' });
      expect(await signIn(issuers, token)).toMatchObject({ subject: 'bo' });
      expect(await signIn(issuers, await other.token())).toMatchObject({ subject: 'ana' });
      issuer.answerWith(undefined);
      expect(await signIn(issuers, await issuer.token())).toMatchObject({ subject: 'ana' });
    });

    test('is not needed for keys that are known', async () => {
      const issuers = createIssuers([configOf(issuer)], log, impatient);
      await signIn(issuers, await issuer.token());
      issuer.answerWith('silence');
      await expect(signIn(issuers, await issuer.token({}, { kid: 'unknown' }))).rejects.toMatchObject(away);
      expect(await signIn(issuers, await issuer.token())).toMatchObject({ subject: 'ana' });
    });

    test('at all is the same', async () => {
      const closed = await startIssuer();
      const token = await closed.token();
      await closed.close();
      await expect(signIn(createIssuers([configOf(closed)], log), token)).rejects.toMatchObject(away);
    });

    test('with its own address is not believed', async () => {
      // The trailing slash makes it another issuer than the one that answers there.
      const issuers = createIssuers([configOf(issuer, { issuer: `${issuer.url}/` })], log);
      await expect(signIn(issuers, await issuer.token({ iss: `${issuer.url}/` }))).rejects.toMatchObject(away);
    });
  });

  describe('the tenant', () => {
    const byClaim = () => issuersOf({ tenant: { claim: 'murmur_tenant' } });

    test('may come from a claim', async () => {
      const token = await issuer.token({ murmur_tenant: 'github_app/acme' });
      expect(await signIn(byClaim(), token)).toMatchObject({ tenant: 'github_app/acme', subject: 'ana' });
    });

    test.each([[undefined], [''], [7], [['github_app/acme']], ['acme'], ['github_app/nobody'], ['murmur/platform'], ['local/\u0000']])(
      'is not %j',
      async (tenant) => {
        await expectRefused(byClaim(), await issuer.token({ murmur_tenant: tenant }));
        expect(logged.join('')).toContain('a token was refused');
      },
    );

    test('must exist, and the log says so', async () => {
      const token = await issuer.token();
      await expectRefused(issuersOf({ tenant: { id: 'local/absent' } }), token);
      expect(logged.join('')).toContain('tenant \\"local/absent\\" does not exist');
      expect(logged.join('')).not.toContain(token.split('.')[2]);
    });
  });

  describe('the subject', () => {
    test('may come from another claim, with a prefix', async () => {
      const issuers = issuersOf({ subjectClaim: 'preferred_username', subjectPrefix: 'corp:' });
      expect(await signIn(issuers, await issuer.token({ preferred_username: 'ana' }))).toMatchObject({ subject: 'corp:ana' });
      await expectRefused(issuers, await issuer.token());
    });

    test('is an email only once that is verified', async () => {
      const issuers = issuersOf({ subjectClaim: 'email' });
      const email = 'ana@example.com';
      expect(await signIn(issuers, await issuer.token({ email, email_verified: true }))).toMatchObject({ subject: email });
      await expectRefused(issuers, await issuer.token({ email }));
      await expectRefused(issuers, await issuer.token({ email, email_verified: 'true' }));
    });
  });

  test('no issuer is believed unless the operator names it', async () => {
    await expect(authenticate(db.database, `Bearer ${await issuer.token()}`)).rejects.toMatchObject(refusal);
  });
});
