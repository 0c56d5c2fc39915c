import { create } from '@bufbuild/protobuf';
import { RecipeSchema, StartBakeRequestSchema, type StartBakeRequest } from '@murmur/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { accessOf } from '../../access/access.js';
import { type Permits, everything } from '../../catalog/context.js';
import { refusal, type TestCatalog, testCatalog } from '../../catalog/testing.js';
import { applyResources } from '../../catalog/verbs/index.js';
import { scriptVariables, serviceProfileOf } from './script-variables.js';

let ours: TestCatalog;
beforeAll(async () => {
  const catalog = await testCatalog();
  ours = catalog.as('github_app/acme');
  for (const name of ['NPM_TOKEN', 'PYPI_TOKEN']) await setSecret(ours, name, `value of ${name}`);
  await setSecret(catalog.as('local/other'), 'THEIRS', 'not for us');
  await ours.set('service-profile', 'ci-bot', JSON.stringify({ name: 'ci-bot', secret_refs: ['NPM_TOKEN'] }));
});
afterAll(() => ours.close());

async function setSecret(catalog: TestCatalog, name: string, plaintext_value: string): Promise<void> {
  await catalog.set('secret', name, JSON.stringify({ name, plaintext_value }));
}

async function variables(
  secretAllowlist: string[],
  asked: Partial<Pick<StartBakeRequest, 'serviceProfile' | 'variables'>> = {},
  permits: Permits = everything,
): Promise<Record<string, string>> {
  const { identity, tenantKeys } = ours.context;
  const reader = { tenant: identity.tenant, permits };
  const request = create(StartBakeRequestSchema, asked);
  const profile = await serviceProfileOf(ours.database.database, reader, request);
  const what = { recipe: create(RecipeSchema, { name: 'r', secretAllowlist }), request, profile };
  return ours.database.database.transaction().execute((trx) => scriptVariables(trx, tenantKeys, reader, what));
}

describe('what a script sees', () => {
  test('are the allow-listed secrets of the catalog and what -e forwards, and nothing else', async () => {
    expect(await variables([])).toEqual({});
    expect(await variables(['NPM_TOKEN'])).toEqual({ NPM_TOKEN: 'value of NPM_TOKEN' });
    expect(await variables(['NPM_TOKEN'], { variables: { OTHER: 'x' } })).toEqual({ NPM_TOKEN: 'value of NPM_TOKEN', OTHER: 'x' });
  });

  test('-e overrides a secret of the catalog, also with nothing, and supplies one that is missing', async () => {
    const forwarded = { NPM_TOKEN: '', ABSENT: 'mine' };
    expect(await variables(['NPM_TOKEN', 'ABSENT', 'PYPI_TOKEN'], { variables: forwarded })).toEqual({
      NPM_TOKEN: '',
      ABSENT: 'mine',
      PYPI_TOKEN: 'value of PYPI_TOKEN',
    });
  });

  describe('takes secret.assume of whoever bakes', () => {
    const permitsOf = (subject: string) =>
      accessOf({ database: ours.database.database, localTenants: [] }, { tenant: 'github_app/acme', subject, keyId: 'k', operator: false });
    beforeAll(async () => {
      const bind = (user: string, rest: string) => ours.set('tenant-binding', user, `{name: ${user}, users: [${user}], ${rest}}`);
      await bind('without', 'permissions: ["recipe.*", "secret.read", "secret.list", "secret.edit"]');
      await bind('some', 'permissions: [secret.assume], name_pattern: NPM_*');
      await bind('member', 'role_ref: murmur-member');
    });
    const lacking = { code: 'PERMISSION_DENIED', message: 'missing permission secret.assume' };

    test('for each name that comes from the catalog, whether it is there or not', async () => {
      const without = await permitsOf('without');
      for (const name of ['NPM_TOKEN', 'ABSENT']) await expect(variables([name], {}, without)).rejects.toMatchObject(lacking);
      expect(await variables(['NPM_TOKEN'], { variables: { NPM_TOKEN: 'mine' } }, without)).toEqual({ NPM_TOKEN: 'mine' });
      expect(await variables(['NPM_TOKEN'], {}, await permitsOf('some'))).toEqual({ NPM_TOKEN: 'value of NPM_TOKEN' });
      await expect(variables(['NPM_TOKEN', 'PYPI_TOKEN'], {}, await permitsOf('some'))).rejects.toMatchObject(lacking);
    });

    test('and members have it', async () => {
      expect(await variables(['PYPI_TOKEN'], {}, await permitsOf('member'))).toEqual({ PYPI_TOKEN: 'value of PYPI_TOKEN' });
    });

    test('unless a service profile lends them: then its grants have decided', async () => {
      const without = await permitsOf('without');
      expect(await variables(['NPM_TOKEN'], { serviceProfile: 'ci-bot' }, without)).toEqual({ NPM_TOKEN: 'value of NPM_TOKEN' });
    });
  });

  test('are the values of the moment', async () => {
    await setSecret(ours, 'ROTATED', 'first');
    expect(await variables(['ROTATED'])).toEqual({ ROTATED: 'first' });
    await setSecret(ours, 'ROTATED', 'second');
    expect(await variables(['ROTATED'])).toEqual({ ROTATED: 'second' });
    await ours.remove('secret', 'ROTATED');
    await expect(variables(['ROTATED'])).rejects.toThrow('secret_allowlist[0]: secret "ROTATED" does not exist');
  });

  test('belong together: of values that one call has replaced they are all new or all old', async () => {
    const { context, database } = ours;
    const pair = (value: string) => ['USER', 'PASSWORD'].map((name) => `kind: secret\nname: ${name}\nplaintext_value: ${value}\n`);
    const applyPair = (value: string) =>
      applyResources(context, { documents: pair(value).map((text) => ({ text, origin: '', line: 1 })), dryRun: false });
    await applyPair('old');
    let replaced: Promise<unknown> | undefined;
    // Asked for its key after the first look into the database.
    const tenantKeys = { of: async (tenant: string) => (await (replaced ??= applyPair('new')), context.tenantKeys.of(tenant)) };
    const recipe = create(RecipeSchema, { secretAllowlist: ['USER', 'PASSWORD'] });
    const what = { recipe, request: create(StartBakeRequestSchema), profile: undefined };
    const seen = await database.database
      .transaction()
      .execute((trx) => scriptVariables(trx, tenantKeys, { tenant: context.identity.tenant, permits: everything }, what));
    expect(new Set(Object.values(seen)).size).toBe(1);
    expect(await variables(['USER', 'PASSWORD'])).toEqual({ USER: 'new', PASSWORD: 'new' });
  });

  test('lacks nothing: every missing name is told with its place, another tenant’s too', async () => {
    const { code, faults, hint, message } = await refusal(variables(['NPM_TOKEN', 'ABSENT', 'THEIRS']));
    expect({ code, message }).toEqual({ code: 'FAILED_PRECONDITION', message: 'secret_allowlist[1]: secret "ABSENT" does not exist' });
    expect(hint).toBe('Store it with "murmur secret set ABSENT", or forward it with "-e ABSENT".');
    expect(faults.map((fault) => fault.path)).toEqual(['secret_allowlist[1]', 'secret_allowlist[2]']);
  });

  test('includes no name that changes how a shell or the loader works', async () => {
    await setSecret(ours, 'LD_PRELOAD', '/tmp/evil.so');
    await expect(variables(['LD_PRELOAD'])).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: 'secret_allowlist[0]: secret "LD_PRELOAD" cannot be a variable: it changes how a shell or the loader works',
    });
  });

  test('fits an environment', async () => {
    const names = Array.from({ length: 9 }, (_, at) => `LARGE_${at}`);
    for (const name of names) await setSecret(ours, name, 'x'.repeat(64 * 1024));
    expect(Object.keys(await variables(names.slice(1)))).toHaveLength(8);
    await expect(variables(names)).rejects.toThrow('the secrets and variables of the script exceed 512 KiB limit');
  });
});

describe('with a service profile', () => {
  test('a script sees what the profile lends', async () => {
    expect(await variables(['NPM_TOKEN'], { serviceProfile: 'ci-bot' })).toEqual({ NPM_TOKEN: 'value of NPM_TOKEN' });
    expect(await variables([], { serviceProfile: 'ci-bot' })).toEqual({});
  });

  test('a secret that it does not lend is as good as absent, and only the hint knows', async () => {
    const notLent = await refusal(variables(['PYPI_TOKEN'], { serviceProfile: 'ci-bot' }));
    const absent = await refusal(variables(['ABSENT'], { serviceProfile: 'ci-bot' }));
    expect(notLent.message).toBe('secret_allowlist[0]: secret "PYPI_TOKEN" does not exist');
    expect(notLent.hint).toBe(`Service profile "ci-bot" does not lend "PYPI_TOKEN": add it to the profile's secret_refs.`);
    expect(absent.hint).toBe(notLent.hint?.replace('PYPI_TOKEN', 'ABSENT'));
  });

  test('that does not exist there is no bake', async () => {
    await expect(variables([], { serviceProfile: 'nobody' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'service-profile "nobody" not found',
      hint: 'See which there are with `murmur get service-profile`.',
    });
  });
});
