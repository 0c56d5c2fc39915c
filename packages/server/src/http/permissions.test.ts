import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { insertRun } from '../bake/runs/testing-runs.js';
import { type CallHeaders, type TestApi, startTestApi } from './testing-api.js';

const place = { environment: 'murmur-qemu-small', placement: 'murmur-qemu-local' };

describe('permissions', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
    for (const tenant of ['local/default', 'github_app/acme']) {
      for (const name of ['team-a', 'team-b', 'other']) {
        await api.set(tenant, 'recipe', {
          name,
          base_image_gce_ref: 'murmur-gce-base',
          provisioning_script: 'true',
          provisioning_timeout: '5m',
        });
      }
    }
    await api.set('github_app/acme', 'service-profile', { name: 'ci-bot', grants: [{ user: 'may-assume' }] });
  });
  afterAll(() => api[Symbol.asyncDispose]());

  const holder = async (subject: string, permissions: readonly string[], names?: string): Promise<CallHeaders> => {
    await api.bind('local/default', subject, permissions, names);
    return api.signIn(subject);
  };

  describe('for some names only', () => {
    let lead: CallHeaders;
    beforeAll(async () => {
      lead = await holder('lead', ['recipe.read', 'recipe.list'], 'team-*');
    });

    test('a list has those names and no others', async () => {
      const { body } = await api.call('listResources', { kind: 'recipe' }, lead);
      expect(body).toContain('"team-a"');
      expect(body).not.toContain('"other"');
      expect(await api.call('listResources', { kind: 'image' }, lead)).toMatchObject({ code: 'PERMISSION_DENIED' });
    });

    test('bakes are listed and shown of those recipes, and others are absent', async () => {
      const { database } = api.db;
      const ended = { phase: 'completed', ended_at: new Date() };
      const seen = await insertRun(database, 'local/default', { id: 'aaaa11111111', recipe: 'team-a', ...ended });
      const unseen = await insertRun(database, 'local/default', { id: 'aaaa22222222', recipe: 'other', ...ended });
      const { body } = await api.call('listBakes', {}, lead);
      expect([body.includes(seen), body.includes(unseen)]).toEqual([true, false]);
      expect(await api.call('listBakes', { recipe: 'other' }, lead)).toMatchObject({ code: 'PERMISSION_DENIED' });
      for (const call of ['getBake', 'streamBakeLog'] as const) {
        expect(await api.call(call, { runId: unseen }, lead)).toMatchObject({ code: 'NOT_FOUND', message: `bake "${unseen}" not found` });
        // Two runs begin so; that there is another must not show.
        expect(await api.call(call, { runId: 'aaaa' }, lead)).toMatchObject({ code: 'OK', body: expect.stringContaining(seen) });
      }
      const all = await holder('all-recipes', ['recipe.read']);
      expect(await api.call('getBake', { runId: 'aaaa' }, all)).toMatchObject({ message: 'bake "aaaa" is ambiguous' });
      expect(await api.call('cancelBake', { runId: seen }, lead)).toMatchObject({ message: 'missing permission recipe.edit' });
    });

    test('a run that may be read but not changed is refused, not absent', async () => {
      const run = await insertRun(api.db.database, 'local/default', { recipe: 'other', phase: 'completed', ended_at: new Date() });
      const reader = await holder('reader', ['recipe.read']);
      await api.bind('local/default', 'reader', ['recipe.edit'], 'team-*');
      expect(await api.call('cancelBake', { runId: run }, reader)).toMatchObject({ message: 'missing permission recipe.edit' });
      expect(await api.call('cancelBake', { runId: 'bbbbbbbbbbbb' }, reader)).toMatchObject({ code: 'NOT_FOUND' });
    });
  });

  test.each(['', 'a\0b', '%', '_', '*', 'AAAA'])('there is no run %j', async (runId) => {
    const reader = await holder(`reader-${runId.length}`, ['recipe.*']);
    for (const call of ['getBake', 'cancelBake', 'streamBakeLog'] as const) {
      expect(await api.call(call, { runId }, reader)).toMatchObject({ code: 'NOT_FOUND', message: `bake "${runId}" not found` });
    }
  });

  test('a new name takes create, and one that exists takes edit', async () => {
    const set = (name: string, headers: CallHeaders) =>
      api.call('setResource', { kind: 'group', name, document: `{name: ${name}, members: [x]}` }, headers);
    const creator = await holder('creator', ['group.create']);
    const editor = await holder('editor', ['group.edit']);
    expect(await set('made', editor)).toMatchObject({ message: 'missing permission group.create' });
    expect(await set('made', creator)).toMatchObject({ code: 'OK' });
    expect(await set('made', creator)).toMatchObject({ message: 'missing permission group.edit' });
    expect(await set('made', editor)).toMatchObject({ code: 'OK' });
  });

  test('who may change but not read is not shown what was there', async () => {
    await api.set('local/default', 'group', { name: 'closed', members: ['hidden-member'] });
    const blind = await holder('blind', ['group.edit']);
    const fields = [{ path: 'description', value: { case: 'text', value: 'seen' } as const }];
    const answer = await api.call('patchResource', { kind: 'group', name: 'closed', fields }, blind);
    expect(answer).toMatchObject({ code: 'OK', body: expect.stringContaining('"closed"') });
    expect(answer.body).not.toContain('hidden-member');
    await api.bind('local/default', 'blind', ['group.read']);
    expect((await api.call('patchResource', { kind: 'group', name: 'closed', fields }, blind)).body).toContain('hidden-member');
  });

  test('a kind there is not is told to everyone', async () => {
    const nobody = await api.signIn('nobody');
    for (const kind of ['rocket', '', '*', 'recipe.edit', 'api-key']) {
      const refused = { code: 'INVALID_ARGUMENT', message: `unknown kind "${kind}"` };
      expect(await api.call('getResource', { kind, name: 'x' }, nobody)).toMatchObject(refused);
      expect(await api.call('listResources', { kind }, nobody)).toMatchObject(refused);
      expect(await api.call('removeResource', { kind, name: 'x' }, nobody)).toMatchObject(refused);
    }
  });

  describe('to bake as a service profile', () => {
    const bake = async (headers: CallHeaders, more: { serviceProfile?: string; variables?: Record<string, string> }) => {
      const { code, message } = await api.call('startBake', { recipe: 'team-a', ...place, ...more }, headers);
      return `${code}: ${message}`;
    };
    const member = async (tenant: string, subject: string): Promise<CallHeaders> => {
      await api.bind(tenant, subject, ['recipe.edit']);
      return api.signIn(subject, { tenant });
    };

    test('takes service-profile.assume, whether there is such a profile or not', async () => {
      const other = await member('github_app/acme', 'may-not');
      for (const serviceProfile of ['ci-bot', 'none', '*']) {
        expect(await bake(other, { serviceProfile })).toBe('PERMISSION_DENIED: missing permission service-profile.assume');
      }
      const granted = await member('github_app/acme', 'may-assume');
      expect(await bake(granted, { serviceProfile: 'ci-bot' })).not.toContain('permission');
      expect(await bake(granted, { serviceProfile: 'none' })).toBe('PERMISSION_DENIED: missing permission service-profile.assume');
    });

    test('does not go with variables, nor in another tenant, whatever somebody may', async () => {
      const other = await member('github_app/acme', 'may-not');
      const both = { serviceProfile: 'ci-bot', variables: { A: 'x' } };
      expect(await bake(other, both)).toBe('INVALID_ARGUMENT: --service-profile and -e are mutually exclusive');
      const elsewhere = await member('local/default', 'local-member');
      expect(await bake(elsewhere, both)).toBe('INVALID_ARGUMENT: --service-profile and -e are mutually exclusive');
      expect(await bake(elsewhere, { serviceProfile: 'ci-bot' })).toBe(
        'INVALID_ARGUMENT: --service-profile is only available for GitHub App tenants',
      );
    });
  });

  test('whoever reads one resource costs the database three queries, and an operator two', async () => {
    const reader = await holder('counted', ['recipe.read']);
    const operator = await api.signIn('op', { reach: 'operator' });
    const cost = async (headers: CallHeaders): Promise<number> => {
      const before = api.queries();
      expect(await api.call('getResource', { kind: 'recipe', name: 'team-a' }, headers)).toMatchObject({ code: 'OK' });
      return api.queries() - before;
    };
    expect([await cost(reader), await cost(operator)]).toEqual([3, 2]);
  });

  test('the holder of an identity token holds what bindings give its subject', async () => {
    await api.bind('local/default', 'oidc-ana', ['recipe.read']);
    const headers = { authorization: `Bearer ${await api.issuer.token({ sub: 'oidc-ana' })}` };
    expect(await api.call('getResource', { kind: 'recipe', name: 'team-a' }, headers)).toMatchObject({ code: 'OK' });
    expect(await api.call('getResource', { kind: 'image', name: 'murmur-gce-base' }, headers)).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(JSON.parse((await api.call('whoAmI', {}, headers)).body)).toEqual([
      { tenant: 'local/default', subject: 'oidc-ana', issuer: api.issuer.url, expireTime: expect.any(String) },
    ]);
  });

  test('anyone is told whose tokens are taken', async () => {
    expect(JSON.parse((await api.call('listIssuers', {})).body)).toEqual([
      { issuers: [{ url: api.issuer.url, clientId: 'murmur-cli', scopes: ['openid'] }] },
    ]);
  });

  test('an operator is told to be one', async () => {
    const operator = await api.signIn('op', { reach: 'operator' });
    expect(JSON.parse((await api.call('whoAmI', {}, operator)).body)).toMatchObject([{ subject: 'op', operator: true }]);
  });
});
