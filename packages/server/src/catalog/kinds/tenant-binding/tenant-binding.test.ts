import { describeKind } from '../../describe-kind.js';

const head = 'name: team-a\n';
const whole = `${head}role_ref: baker\ngroups: [builders]\n`;

describeKind({
  kind: 'tenant-binding',
  named: 'team-a',
  prepare: async (catalog) => {
    await catalog.set('role', 'baker', 'name: baker\npermissions: [recipe.*]\n');
    await catalog.set('group', 'builders', 'name: builders\nmembers: [ana@example.com]\n');
  },
  accepted: [
    whole,
    `${head}role_ref: murmur-admin\nusers: [ana@example.com]\n`,
    `${head}permissions: [recipe.edit, image.*]\nusers: [ana@example.com, service-profile/ci-bot]\ngroups: [builders, builders]\nnamePattern: team-a-*\ndescription: Theirs\n`,
    `${whole}name_pattern: "*_TOKEN"\n`,
  ],
  errors: [
    { documented: 'INVALID_ARGUMENT: name is required', document: whole.replace(head, '') },
    { documented: 'INVALID_ARGUMENT: name must match [a-z][a-z0-9-]{0,62}', document: whole.replace('team-a', 'Team') },
    {
      documented: 'INVALID_ARGUMENT: name "a" does not match "b"',
      message: 'name "team-a" does not match "team-b"',
      document: whole,
      name: 'team-b',
    },
    ...['', 'permissions: []\n', 'role_ref: baker\npermissions: [recipe.read]\n'].map((granted) => ({
      documented: 'INVALID_ARGUMENT: exactly one of role_ref or permissions is required',
      document: `${head}${granted}users: [ana@example.com]\n`,
    })),
    {
      documented: 'INVALID_ARGUMENT: permissions[N]: unknown permission "x"',
      message: 'permissions[0]: unknown permission "recipe.bake"',
      document: `${head}permissions: [recipe.bake]\nusers: [ana@example.com]\n`,
    },
    ...['', 'users: []\ngroups: []\n'].map((grantees) => ({
      documented: 'INVALID_ARGUMENT: at least one of groups or users is required',
      document: `${head}role_ref: baker\n${grantees}`,
    })),
    {
      documented: 'INVALID_ARGUMENT: users[N]: invalid user',
      message: 'users[0]: invalid user',
      document: `${head}role_ref: baker\nusers: [""]\n`,
    },
    ...['team a', 'team.*', '[a-z]+', 'ä', 'a'.repeat(256)].map((pattern) => ({
      documented: 'INVALID_ARGUMENT: name_pattern must match [a-zA-Z0-9_*-]{0,255}',
      document: `${whole}name_pattern: "${pattern}"\n`,
    })),
    { documented: 'INVALID_ARGUMENT: description exceeds 1024 byte limit', document: `${whole}description: ${'x'.repeat(1025)}\n` },
    ...['nobody', 'murmur-owner'].map((role) => ({
      documented: 'FAILED_PRECONDITION: role_ref "X" does not exist',
      message: `role_ref "${role}" does not exist`,
      document: whole.replace('baker', role),
    })),
    ...['nobody', ''].map((group) => ({
      documented: 'FAILED_PRECONDITION: groups[N] "X" does not exist',
      message: `groups[1] "${group}" does not exist`,
      document: `${head}role_ref: baker\ngroups: [builders, "${group}"]\n`,
    })),
  ],
});
