import { expect, test } from 'vitest';

import { describeKind } from '../../describe-kind.js';
import { type TestCatalog, testCatalog } from '../../testing.js';

const repos = 'repos:\n  - clone_url: https://github.com/acme/app\n';
const refs = 'image_ref: murmur-gce-base\nenvironment_ref: staging\nplacement: us-central1\n';
const whole = `name: app\n${refs}${repos}`;

async function prepare(catalog: TestCatalog): Promise<void> {
  await catalog.set('secret', 'NPM_TOKEN', 'name: NPM_TOKEN\nplaintext_value: s3cr3t\n');
  await catalog.set('environment', 'staging', 'name: staging\nsubstrate: QEMU\nmachine_type_ref: qemu-small\n');
  await catalog.set('placement', 'us-central1', 'name: us-central1\nsubstrate: GCP\ngcp: {project: acme, zones: [us-central1-a]}\n');
  await catalog.set(
    'image',
    'debian12-base',
    'name: debian12-base\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n',
  );
}

describeKind({
  kind: 'workspace',
  named: 'app',
  prepare,
  accepted: [
    whole,
    `${whole}min_idle: 2\nsecret_refs: [NPM_TOKEN]\ndescription: The app\n`,
    `name: app\n${refs}repos:\n  - {clone_url: "https://github.com/acme/app.git", base_branch: main, conflict_resolution: REBASE}\n  - {cloneUrl: "https://example.com/b", conflictResolution: CONFLICT_RESOLUTION_NONE}\n`,
  ],
  errors: [
    { documented: 'INVALID_ARGUMENT: name is required', document: refs + repos },
    { documented: 'INVALID_ARGUMENT: name must match [a-z][a-z0-9-]{0,62}', document: whole.replace('app', 'App') },
    {
      documented: 'INVALID_ARGUMENT: name "a" does not match "b"',
      message: 'name "app" does not match "web"',
      document: whole,
      name: 'web',
    },
    { documented: 'INVALID_ARGUMENT: image_ref is required', document: whole.replace('image_ref: murmur-gce-base\n', '') },
    { documented: 'INVALID_ARGUMENT: environment_ref is required', document: whole.replace('environment_ref: staging\n', '') },
    { documented: 'INVALID_ARGUMENT: placement is required', document: whole.replace('placement: us-central1\n', '') },
    { documented: 'INVALID_ARGUMENT: repos must be non-empty', document: `name: app\n${refs}` },
    {
      documented: 'INVALID_ARGUMENT: repos[N].clone_url is required',
      message: 'repos[1].clone_url is required',
      document: `${whole}  - base_branch: main\n`,
    },
    ...[
      'http://example.com/a',
      'git@github.com:acme/app.git',
      'https://me:pw@example.com/a',
      'https://example.com',
      '/srv/git',
      'https://a b/c',
    ].map((url) => ({
      documented: 'INVALID_ARGUMENT: repos[N].clone_url: must be an https URL',
      message: 'repos[0].clone_url: must be an https URL',
      document: `name: app\n${refs}repos: [{clone_url: "${url}"}]\n`,
    })),
    {
      documented: 'INVALID_ARGUMENT: repos[N].base_branch: invalid branch name',
      message: 'repos[0].base_branch: invalid branch name',
      document: `${whole}    base_branch: --upload-pack=x\n`,
    },
    {
      documented: 'INVALID_ARGUMENT: unknown conflict_resolution value',
      document: `${whole}    conflict_resolution: PRAY\n`,
    },
    { documented: 'INVALID_ARGUMENT: min_idle must be non-negative', document: `${whole}min_idle: -1\n` },
    {
      documented: 'INVALID_ARGUMENT: secret_refs[N]: secret name must match [A-Z][A-Z0-9_]*',
      message: 'secret_refs[0]: secret name must match [A-Z][A-Z0-9_]*',
      document: `${whole}secret_refs: [npm]\n`,
    },
    {
      documented: 'INVALID_ARGUMENT: secret_refs[N]: secret name is reserved (MURMUR_*)',
      message: 'secret_refs[1]: secret name is reserved (MURMUR_*)',
      document: `${whole}secret_refs: [A, MURMUR_X]\n`,
    },
    { documented: 'INVALID_ARGUMENT: description exceeds 1024 byte limit', document: `${whole}description: ${'x'.repeat(1025)}\n` },
    {
      documented: 'FAILED_PRECONDITION: secret_refs[N] "X" does not exist',
      message: 'secret_refs[1] "NO_TOKEN" does not exist',
      document: `${whole}secret_refs: [NPM_TOKEN, NO_TOKEN]\n`,
    },
    ...[
      ['image_ref', 'murmur-gce-base'],
      ['environment_ref', 'staging'],
      ['placement', 'us-central1'],
    ].map(([field = '', name = '']) => ({
      documented: `FAILED_PRECONDITION: ${field} "X" does not exist`,
      message: `${field} "nothing" does not exist`,
      document: whole.replace(name, 'nothing'),
    })),
  ],
});

test('a trailing .git is dropped from clone URLs', async () => {
  const catalog = await testCatalog();
  await prepare(catalog);
  await catalog.set('workspace', 'app', `name: app\n${refs}repos: [{clone_url: "https://github.com/acme/app.git.git"}]\n`);
  expect(await catalog.print('workspace', 'app')).toContain('clone_url: https://github.com/acme/app\n');
  await catalog.close();
});
