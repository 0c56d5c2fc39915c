import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type TestCatalog, testCatalog } from '../catalog/testing.js';
import { getResource } from '../catalog/verbs/index.js';
import { connect } from '../database/pool.js';
import { type Access, accessOf } from './access.js';

describe('accessOf', () => {
  let catalog: TestCatalog;
  beforeAll(async () => {
    catalog = await testCatalog();
    await catalog.set('group', 'devs', '{name: devs, members: [ana, service-profile/ci]}');
    await catalog.set('group', 'everyone', '{name: everyone, all_tenant_members: true}');
    await catalog.set('role', 'baker', '{name: baker, permissions: [recipe.edit, "image.*"]}');
    await catalog.set('service-profile', 'ci', '{name: ci, grants: [{group: devs}, {user: cem}]}');
    await catalog.set('service-profile', 'idle', '{name: idle}');
    await catalog.set('tenant-binding', 'devs', '{name: devs, role_ref: baker, groups: [devs]}');
    await catalog.set('tenant-binding', 'all', '{name: all, permissions: ["*.list"], groups: [everyone]}');
    await catalog.set('tenant-binding', 'team', '{name: team, permissions: [recipe.delete], users: [ana], name_pattern: team-*}');
    await catalog.set('tenant-binding', 'red', '{name: red, permissions: [recipe.delete], users: [ana], name_pattern: "*-red"}');
    await catalog.set('tenant-binding', 'viewers', '{name: viewers, role_ref: murmur-viewer, users: [vic]}');
    await catalog.set('tenant-binding', 'root', '{name: root, permissions: ["*"], users: [root]}');
    await catalog.set('tenant-binding', 'gone', '{name: gone, permissions: ["*"], users: [service-profile/gone]}');
    const other = catalog.as('local/other');
    await other.set('tenant-binding', 'root', '{name: root, permissions: ["*"], users: [ana, bob]}');
  });
  afterAll(() => catalog.close());

  const access = (subject: string, more: { tenant?: string; operator?: boolean } = {}): Promise<Access> =>
    accessOf(
      { database: catalog.database.database, localTenants: ['github_app/acme'] },
      { tenant: 'local/default', subject, keyId: 'k', operator: false, ...more },
    );

  test('nobody holds anything until a binding says so', async () => {
    const nobody = await access('nobody', { tenant: 'github_app/acme' });
    expect(nobody.holds('recipe.read', 'a')).toBe(false);
    expect(nobody.namesFor('recipe.list')).toEqual([]);
    expect(() => nobody.require('recipe.read', 'a')).toThrow('missing permission recipe.read');
  });

  test('a binding gives a role or permissions to users, to members of groups and to everyone', async () => {
    const ana = await access('ana');
    expect(['recipe.edit', 'image.read', 'image.delete', 'group.list'].map((permission) => ana.holds(permission, 'x'))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['recipe.read', 'recipe.create', 'secret.read'].map((permission) => ana.holds(permission, 'x'))).toEqual([false, false, false]);
    expect((await access('stranger')).holds('audit.list', 'x')).toBe(true);
    expect((await access('stranger')).holds('recipe.edit', 'x')).toBe(false);
  });

  test('a name pattern limits it to the names that match', async () => {
    const ana = await access('ana');
    expect(ana.namesFor('recipe.delete')).toEqual(['*-red', 'team-*']);
    expect(['team-a', 'big-red', 'team', 'red-'].map((name) => ana.holds('recipe.delete', name))).toEqual([true, true, false, false]);
    expect(ana.namesFor('recipe.edit')).toEqual(['*']);
  });

  test('who holds everything holds it for every name', async () => {
    const root = await access('root');
    expect(root.namesFor('service-profile.assume')).toEqual(['*']);
    expect(root.holds('api-key.create', 'service-profile/ci')).toBe(true);
  });

  test('a service profile may be assumed by those it names, and nothing else comes of that', async () => {
    for (const subject of ['ana', 'cem']) {
      expect((await access(subject)).namesFor('service-profile.assume')).toEqual(['ci']);
      expect((await access(subject)).holds('service-profile.read', 'ci')).toBe(false);
    }
    expect((await access('stranger')).namesFor('service-profile.assume')).toEqual([]);
  });

  test('a service profile holds what its groups and bindings give, as long as it exists', async () => {
    expect((await access('service-profile/ci')).holds('recipe.edit', 'x')).toBe(true);
    // A profile is no user of the tenant: what everyone is given is not given to it.
    expect((await access('service-profile/idle')).namesFor('recipe.list')).toEqual([]);
    expect((await access('service-profile/ci')).holds('recipe.list', 'x')).toBe(false);
    expect((await access('service-profile/gone')).namesFor('recipe.list')).toEqual([]);
  });

  test('the builtin roles are every tenant’s', async () => {
    const vic = await access('vic');
    expect([vic.holds('recipe.read', 'x'), vic.holds('recipe.edit', 'x'), vic.holds('api-key.read', 'x')]).toEqual([true, false, false]);
  });

  test('what one tenant gives counts in no other', async () => {
    expect((await access('bob')).holds('recipe.edit', 'x')).toBe(false);
    expect((await access('bob', { tenant: 'local/other' })).holds('recipe.edit', 'x')).toBe(true);
    expect((await access('ana', { tenant: 'github_app/acme' })).namesFor('recipe.list')).toEqual([]);
  });

  test('an operator holds everything, without asking the database', async () => {
    const away = connect('postgresql://murmur@localhost/none?host=/nonexistent');
    const operator = await accessOf(
      { database: away.database, localTenants: [] },
      { tenant: 'local/default', subject: 'admin', keyId: 'k', operator: true },
    );
    expect(operator.holds('tenant-binding.edit', 'x')).toBe(true);
    expect(operator.explain('audit.list')).toEqual({ allowed: true, reason: 'admin is an operator of this server' });
    await away.close();
  });

  test('the placements on the host are there for local tenants, and for those that the operator lists', async () => {
    const { context } = catalog;
    const placement = async (tenant: string) =>
      getResource(
        { ...context, identity: { tenant, subject: 'ana' }, permits: await access('ana', { tenant, operator: true }) },
        { kind: 'placement', name: 'murmur-qemu-local', generation: 0n },
      );
    expect((await placement('local/other')).resource.builtin).toBe(true);
    expect((await placement('github_app/acme')).resource.builtin).toBe(true);
    await expect(placement('github_app/acme2')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('what is taken away is gone from the next call on', async () => {
    await catalog.set('tenant-binding', 'short', '{name: short, permissions: [secret.edit], users: [sam]}');
    expect((await access('sam')).holds('secret.edit', 'A')).toBe(true);
    await catalog.remove('tenant-binding', 'short');
    expect((await access('sam')).holds('secret.edit', 'A')).toBe(false);
  });

  test.each([
    ['ana', 'recipe.edit', undefined, true, 'tenant-binding "devs" gives role "baker" (recipe.edit) to group "devs"'],
    ['ana', 'image.read', 'x', true, 'tenant-binding "devs" gives role "baker" (image.*) to group "devs"'],
    ['ana', 'recipe.list', undefined, true, 'tenant-binding "all" gives *.list to group "everyone"'],
    ['ana', 'recipe.delete', 'team-a', true, 'tenant-binding "team" gives recipe.delete to ana for names matching "team-*"'],
    ['ana', 'recipe.delete', undefined, false, 'it is only held for names matching "*-red" or "team-*"'],
    ['ana', 'recipe.delete', 'x', false, 'it is only held for names matching "*-red" or "team-*"'],
    ['cem', 'service-profile.assume', 'ci', true, 'service-profile "ci" may be assumed by cem'],
    ['ana', 'secret.read', undefined, false, 'no binding gives it to ana or their groups'],
  ])('%s asks why %s for %s', async (subject, permission, name, allowed, reason) => {
    expect((await access(subject)).explain(permission, name)).toEqual({ allowed, reason });
  });
});
