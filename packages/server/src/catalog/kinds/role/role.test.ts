import { describeKind } from '../../describe-kind.js';

const head = 'name: baker\n';

describeKind({
  kind: 'role',
  named: 'baker',
  prepare: async (catalog) => {
    await catalog.set('role', 'used', 'name: used\npermissions: [recipe.read]\n');
    await catalog.set('tenant-binding', 'everyone', 'name: everyone\nrole_ref: used\nusers: [ana@example.com]\n');
  },
  accepted: [
    `${head}permissions: [recipe.edit]\n`,
    `${head}permissions: ["*", recipe.*, "*.read", service-profile.assume, api-key.create, audit.list, recipe.*]\ndescription: Bakes\n`,
  ],
  errors: [
    { documented: 'INVALID_ARGUMENT: name is required', document: 'permissions: [recipe.edit]\n' },
    { documented: 'INVALID_ARGUMENT: name must match [a-z][a-z0-9-]{0,62}', document: 'name: Baker\npermissions: [recipe.edit]\n' },
    {
      documented: 'INVALID_ARGUMENT: name "a" does not match "b"',
      message: 'name "baker" does not match "cook"',
      document: `${head}permissions: [recipe.edit]\n`,
      name: 'cook',
    },
    { documented: 'INVALID_ARGUMENT: permissions must be non-empty', document: head },
    { documented: 'INVALID_ARGUMENT: permissions must be non-empty', document: `${head}permissions: []\n` },
    ...['recipe', 'recipe.bake', 'recipes.read', '', '*.*', 'RECIPE.READ'].map((permission) => ({
      documented: 'INVALID_ARGUMENT: permissions[N]: unknown permission "x"',
      message: `permissions[1]: unknown permission "${permission}"`,
      document: `${head}permissions: [recipe.edit, "${permission}"]\n`,
    })),
    {
      documented: 'INVALID_ARGUMENT: description exceeds 1024 byte limit',
      document: `${head}permissions: [recipe.edit]\ndescription: ${'x'.repeat(1025)}\n`,
    },
    {
      documented: 'FAILED_PRECONDITION: cannot delete role "X": referenced by tenant-binding: Y',
      message: 'cannot delete role "used": referenced by tenant-binding: everyone',
      attempt: async (catalog) => catalog.remove('role', 'used'),
    },
  ],
});
