import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type CallHeaders, type TestApi, startTestApi } from './testing-api.js';

const tenant = 'local/default';

describe('nobody gives what they do not hold', () => {
  let api: TestApi;
  let lead: CallHeaders;
  beforeAll(async () => {
    api = await startTestApi();
    await api.bind(tenant, 'lead', ['role.*', 'group.*', 'tenant-binding.*', 'api-key.create']);
    await api.bind(tenant, 'lead', ['service-profile.create', 'service-profile.edit', 'service-profile.read', 'image.*']);
    await api.bind(tenant, 'lead', ['recipe.edit', 'service-profile.assume'], 'team-*');
    await api.bind(tenant, 'boss', ['*']);
    lead = await api.signIn('lead');
    await api.set(tenant, 'role', { name: 'baker', permissions: ['recipe.edit'] });
    for (const name of ['admins', 'bakers', 'lent', 'idle']) await api.set(tenant, 'group', { name, members: ['zoe'] });
    await api.set(tenant, 'tenant-binding', { name: 'admins', role_ref: 'murmur-admin', groups: ['admins'] });
    await api.set(tenant, 'tenant-binding', { name: 'bakers', role_ref: 'baker', groups: ['bakers'], name_pattern: 'team-a-*' });
    await api.set(tenant, 'service-profile', { name: 'deploy', grants: [{ group: 'lent' }] });
  });
  afterAll(() => api[Symbol.asyncDispose]());

  const set = (kind: string, name: string, fields: object, headers = lead) =>
    api.call('setResource', { kind, name, document: JSON.stringify({ name, ...fields }) }, headers);
  const cannot = (permission: string) => ({ code: 'PERMISSION_DENIED', message: `cannot give ${permission}: you do not hold it` });

  test.each([
    ['a role with more', 'role', { permissions: ['image.read', 'secret.read'] }, 'secret.read'],
    ['a role with everything', 'role', { permissions: ['*'] }, '*'],
    ['a role with one verb of every kind', 'role', { permissions: ['*.read'] }, '*.read'],
    ['a role with what is held for some names only', 'role', { permissions: ['recipe.edit'] }, 'recipe.edit'],
    ['a binding of permissions', 'tenant-binding', { permissions: ['audit.list'], users: ['lead'] }, 'audit.list'],
    ['a binding of a role', 'tenant-binding', { role_ref: 'murmur-admin', users: ['lead'] }, '*'],
    ['a binding of a whole kind', 'tenant-binding', { permissions: ['recipe.*'], users: ['lead'], name_pattern: 'team-a' }, 'recipe.*'],
    ['a binding for other names', 'tenant-binding', { permissions: ['recipe.edit'], users: ['lead'], name_pattern: 'te*' }, 'recipe.edit'],
    ['a binding for all names', 'tenant-binding', { permissions: ['recipe.edit'], users: ['lead'], name_pattern: '**' }, 'recipe.edit'],
    ['a service profile to act as', 'service-profile', { grants: [{ user: 'lead' }] }, 'service-profile.assume'],
  ])('%s', async (_what, kind, fields, permission) => {
    expect(await set(kind, 'new', fields)).toMatchObject(cannot(permission));
    const text = JSON.stringify({ kind, name: 'new', ...fields });
    expect(await api.call('applyResources', { documents: [{ text }] }, lead)).toMatchObject(cannot(permission));
    expect(await set(kind, 'new', fields, await api.signIn('boss'))).toMatchObject({ code: 'OK' });
    await api.call('removeResource', { kind, name: 'new' }, await api.signIn('boss'));
  });

  test.each([
    ['a role', 'role', { permissions: ['image.*', 'image.read'] }],
    ['a binding for fewer names', 'tenant-binding', { permissions: ['recipe.edit'], users: ['ana'], name_pattern: 'team-*-x*' }],
    ['a binding for one name', 'tenant-binding', { permissions: ['recipe.edit'], users: ['ana'], name_pattern: 'team-a' }],
    ['a binding of a role for such names', 'tenant-binding', { role_ref: 'baker', users: ['ana'], name_pattern: 'team-*' }],
    ['a group that is given nothing', 'group', { members: ['lead'] }],
    ['a service profile that nobody acts as', 'service-profile', {}],
  ])('what is held is given: %s', async (_what, kind, fields) => {
    expect(await set(kind, 'fine', fields)).toMatchObject({ code: 'OK' });
    await api.call('removeResource', { kind, name: 'fine' }, await api.signIn('boss'));
  });

  test('a profile of a name one may act as is given', async () => {
    expect(await set('service-profile', 'team-ci', { grants: [{ user: 'ana' }] })).toMatchObject({ code: 'OK' });
  });

  test('being in a group is worth what names the group', async () => {
    expect(await set('group', 'admins', { members: ['zoe', 'lead'] })).toMatchObject(cannot('*'));
    expect(await set('group', 'admins', { all_tenant_members: true })).toMatchObject(cannot('*'));
    expect(await set('group', 'lent', { members: ['lead'] })).toMatchObject(cannot('service-profile.assume'));
    expect(await set('group', 'bakers', { members: ['zoe', 'ana'] })).toMatchObject({ code: 'OK' });
    expect(await set('group', 'admins', { members: ['zoe'] })).toMatchObject({ code: 'OK' });
  });

  test('a patch is held to the same', async () => {
    const fields = [{ path: 'members', value: { case: 'yaml', value: '[lead]' } as const }];
    expect(await api.call('patchResource', { kind: 'group', name: 'admins', fields }, lead)).toMatchObject(cannot('*'));
  });

  test('a key speaks for nobody who holds more than its maker', async () => {
    expect(await api.call('createApiKey', { subject: 'boss' }, lead)).toMatchObject(cannot('*'));
    expect(await api.call('createApiKey', { subject: 'zoe' }, lead)).toMatchObject(cannot('*'));
    for (const subject of ['lead', 'stranger']) expect(await api.call('createApiKey', { subject }, lead)).toMatchObject({ code: 'OK' });
    expect(await api.call('createApiKey', { subject: 'boss' }, await api.signIn('op', { reach: 'operator' }))).toMatchObject({
      code: 'OK',
    });
  });
});
