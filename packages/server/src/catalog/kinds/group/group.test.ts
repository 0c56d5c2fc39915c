import { expect, test } from 'vitest';

import { describeKind } from '../../describe-kind.js';
import { refused, testCatalog } from '../../testing.js';

const head = 'name: builders\n';
const whole = `${head}members: [ana@example.com]\n`;

describeKind({
  kind: 'group',
  named: 'builders',
  prepare: async (catalog) => {
    await catalog.set('group', 'used', whole.replace('builders', 'used'));
    await catalog.set('tenant-binding', 'bakers', 'name: bakers\nrole_ref: murmur-member\ngroups: [used]\n');
  },
  accepted: [
    whole,
    `${head}members: [ana@example.com, service-profile/ci-bot, "auth0|5f7c", ana@example.com]\ndescription: Builds\n`,
    `${head}allTenantMembers: true\n`,
    `${whole}all_tenant_members: false\n`,
  ],
  errors: [
    { documented: 'INVALID_ARGUMENT: name is required', document: 'members: [ana@example.com]\n' },
    { documented: 'INVALID_ARGUMENT: name must match [a-z][a-z0-9-]{0,62}', document: whole.replace('builders', 'Builders') },
    {
      documented: 'INVALID_ARGUMENT: name "a" does not match "b"',
      message: 'name "builders" does not match "owners"',
      document: whole,
      name: 'owners',
    },
    ...['', 'members: []\n', 'all_tenant_members: false\n', 'members: [ana@example.com]\nall_tenant_members: true\n'].map((members) => ({
      documented: 'INVALID_ARGUMENT: exactly one of members or all_tenant_members is required',
      document: head + members,
    })),
    ...['', ' ana', 'ana\\n', 'a\\nb', 'é'.repeat(128)].map((member) => ({
      documented: 'INVALID_ARGUMENT: members[N]: invalid user',
      message: 'members[1]: invalid user',
      document: `${head}members: [ana@example.com, "${member}"]\n`,
    })),
    { documented: 'INVALID_ARGUMENT: description exceeds 1024 byte limit', document: `${whole}description: ${'x'.repeat(1025)}\n` },
    {
      documented: 'FAILED_PRECONDITION: cannot delete group "X": referenced by tenant-binding: Y',
      message: 'cannot delete group "used": referenced by tenant-binding: bakers',
      attempt: async (catalog) => catalog.remove('group', 'used'),
    },
  ],
});

test('everything that a group gives something to keeps it from being deleted', async () => {
  const catalog = await testCatalog();
  await catalog.set('group', 'builders', whole);
  for (const name of ['b', 'a']) {
    await catalog.set('service-profile', name, `name: ${name}\ngrants: [{user: ana@example.com}, {group: builders}]\n`);
    await catalog.set('tenant-binding', name, `name: ${name}\npermissions: [recipe.read]\ngroups: [builders]\n`);
  }
  expect(await refused(catalog.remove('group', 'builders'))).toBe(
    'FAILED_PRECONDITION: cannot delete group "builders": referenced by service-profile: a, b; tenant-binding: a, b',
  );
  for (const name of ['a', 'b']) {
    await catalog.set('service-profile', name, `name: ${name}\n`);
    await catalog.remove('tenant-binding', name);
  }
  await catalog.remove('group', 'builders');
  await catalog.close();
});
