import { describeKind } from '../../describe-kind.js';

const head = 'name: ci-bot\n';

describeKind({
  kind: 'service-profile',
  named: 'ci-bot',
  prepare: async (catalog) => {
    await catalog.set('group', 'builders', 'name: builders\nall_tenant_members: true\n');
    await catalog.set('secret', 'NPM_TOKEN', 'name: NPM_TOKEN\nplaintext_value: s3cr3t\n');
  },
  accepted: [
    head,
    `${head}description: Bakes\ngrants: [{user: ana@example.com}, {group: builders}, {user: service-profile/other}]\nsecret_refs: [NPM_TOKEN]\n`,
    `${head}grants: [{user: ana@example.com}, {user: ana@example.com}]\nsecretRefs: [NPM_TOKEN, NPM_TOKEN]\n`,
  ],
  errors: [
    { documented: 'INVALID_ARGUMENT: name is required', document: 'description: x\n' },
    { documented: 'INVALID_ARGUMENT: name must match [a-z][a-z0-9-]{0,62}', document: 'name: CI\n' },
    {
      documented: 'INVALID_ARGUMENT: name "a" does not match "b"',
      message: 'name "ci-bot" does not match "cd-bot"',
      document: head,
      name: 'cd-bot',
    },
    ...['{}', '{user: ""}', '{group: ""}', '{user: ana@example.com, group: builders}'].map((grant) => ({
      documented: 'INVALID_ARGUMENT: grants[N]: exactly one of user or group is required',
      message: 'grants[1]: exactly one of user or group is required',
      document: `${head}grants: [{user: ana@example.com}, ${grant}]\n`,
    })),
    {
      documented: 'INVALID_ARGUMENT: grants[N]: invalid user',
      message: 'grants[0]: invalid user',
      document: `${head}grants: [{user: " ana"}]\n`,
    },
    {
      documented: 'INVALID_ARGUMENT: secret_refs[N]: secret name must match [A-Z][A-Z0-9_]*',
      message: 'secret_refs[1]: secret name must match [A-Z][A-Z0-9_]*',
      document: `${head}secret_refs: [NPM_TOKEN, npm]\n`,
    },
    {
      documented: 'INVALID_ARGUMENT: secret_refs[N]: secret name is reserved (MURMUR_*)',
      message: 'secret_refs[0]: secret name is reserved (MURMUR_*)',
      document: `${head}secret_refs: [MURMUR_X]\n`,
    },
    { documented: 'INVALID_ARGUMENT: description exceeds 1024 byte limit', document: `${head}description: ${'x'.repeat(1025)}\n` },
    {
      documented: 'FAILED_PRECONDITION: grants[N].group "X" does not exist',
      message: 'grants[1].group "nobody" does not exist',
      document: `${head}grants: [{group: builders}, {group: nobody}]\n`,
    },
    {
      documented: 'FAILED_PRECONDITION: secret_refs[N] "X" does not exist',
      message: 'secret_refs[1] "NO_TOKEN" does not exist',
      document: `${head}secret_refs: [NPM_TOKEN, NO_TOKEN]\n`,
    },
  ],
});
