import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { callApi, catalogOf, listsOf } from './harness/api.js';
import { setBakedImage } from './harness/baked-image.js';
import { murmur, murmurOk } from './harness/cli.js';
import { imageRows, recipe, recipeRows } from './harness/error-rows.js';
import { machineFolders, machinesOf } from './harness/machines.js';
import { refusal } from './harness/refusals.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';

const local = ['murmur-qemu-small', 'murmur-qemu-local'] as const;
const gcp = ['gcp', 'iowa'] as const;
const aws = ['aws', 'oregon'] as const;

const gceImage = 'name: gce-amd\narchitecture: AMD64\ngce: {self_link: projects/acme-agents/global/images/debian-12}\n';
const script = 'provisioning_script: |\n  #!/bin/sh\n  true\nprovisioning_timeout: 1m\n';

const resources: readonly (readonly [kind: string, name: string, document: string])[] = [
  ['environment', 'gcp', 'name: gcp\nsubstrate: SUBSTRATE_GCP\nmachine_type_ref: n2-standard-2\ndisk_type_ref: pd-ssd\n'],
  ['environment', 'aws', 'name: aws\nsubstrate: SUBSTRATE_AWS\nmachine_type_ref: murmur-m7i-large\ndisk_type_ref: murmur-gp3\n'],
  ['environment', 'aws-arm', 'name: aws-arm\nsubstrate: SUBSTRATE_AWS\nmachine_type_ref: murmur-m7g-large\ndisk_type_ref: murmur-gp3\n'],
  ['placement', 'iowa', 'name: iowa\nsubstrate: SUBSTRATE_GCP\ngcp: {project: acme-agents, zones: [us-central1-a]}\n'],
  [
    'placement',
    'oregon',
    'name: oregon\nsubstrate: SUBSTRATE_AWS\naws: {account_id: "123456789012", region: us-west-2, role_arn: "arn:aws:iam::123456789012:role/murmur"}\n',
  ],
  ['image', 'gce-amd', gceImage],
  ['image', 'gce-arm', 'name: gce-arm\narchitecture: ARM64\ngce: {self_link: projects/acme-agents/global/images/debian-12-arm}\n'],
  ['image', 'aws-amd', 'name: aws-amd\narchitecture: AMD64\naws: {ami_ids: {us-east-1: ami-0abc123def456789a}}\n'],
  ['image', 'container', 'name: container\narchitecture: AMD64\ndocker: {image_ref: ghcr.io/acme/node20-dev}\n'],
  ['recipe', 'hello', recipe('hello')],
  ['image', 'east-only', 'name: east-only\narchitecture: ARCHITECTURE_AMD64\naws: {ami_ids: {us-east-1: ami-0abc123def456789a}}\n'],
  ['image', 'absent', `name: absent\narchitecture: ARCHITECTURE_AMD64\nqemu: {disk_digest: "sha256:${'0'.repeat(64)}"}\n`],
  ['recipe', 'on-gcp', `name: on-gcp\nbase_image_gce_ref: murmur-gce-base\n${script}`],
  ['recipe', 'on-aws', `name: on-aws\nbase_image_aws_ref: east-only\n${script}`],
  ['recipe', 'on-absent', `name: on-absent\nbase_image_qemu_ref: absent\n${script}`],
  ['recipe', 'on-tiny', `name: on-tiny\nbase_image_qemu_ref: tiny\n${script}`],
  ['recipe', 'needy', `name: needy\nbase_image_qemu_ref: tiny\nsecret_allowlist: [GIVEN, MISSING, ALSO_MISSING]\n${script}`],
];

const checkNames = 'Check the names with `murmur get recipe`, `murmur get environment`, or `murmur get placement`.';
const steers = 'cannot be forwarded: it changes how a shell or the loader works';

/** Nobody has logged in here. */
const homeless = { HOME: '/nonexistent', XDG_DATA_HOME: '/nonexistent', XDG_CONFIG_HOME: '/nonexistent' };

/** A resource as `apply` takes it. */
const documentOf = ([kind, , document]: (typeof resources)[number]): string => `kind: ${kind}\n${document}`;

const denied = (permission: string): string => `murmur: PERMISSION_DENIED: missing permission ${permission}\nContact your tenant admin.\n`;

describe('errors on the command line', () => {
  let server: TestServer;
  let before: unknown;
  let wholeBefore: unknown;
  /** Keys by what they are for. */
  const keys: Record<string, string> = { missing: '', nonsense: 'nonsense' };

  beforeAll(async () => {
    server = await startServer();
    await setTinyImage(server);
    await murmurOk(server, ['apply', '-f', '-'], {
      stdin: resources.map(documentOf).join('---\n'),
    });
    await setBakedImage(server, 'hello');
    const key = async (...args: readonly string[]): Promise<string> => (await murmurOk(server, ['key', 'create', ...args])).trim();
    keys['altered'] = `${server.apiKey.slice(0, -1)}_`;
    keys['shouted'] = server.apiKey.toUpperCase();
    keys['unbound'] = await key('nobody@example.com');
    keys['viewer'] = await key('viewer@example.com');
    keys['expired'] = await key('viewer@example.com', '--expires-in', '1ms');
    keys['revoked'] = await key('viewer@example.com');
    await murmurOk(server, ['key', 'revoke', /^mur_(\w+)\./.exec(keys['revoked'])?.[1] ?? '']);
    await murmurOk(server, ['set', 'tenant-binding', 'viewers'], {
      stdin: 'name: viewers\nrole_ref: murmur-viewer\nusers: [viewer@example.com]\n',
    });
    before = await listsOf(server);
    wholeBefore = await catalogOf(server);
  });
  afterAll(() => server.remove());

  const unchanged = async (): Promise<void> => expect(await listsOf(server)).toEqual(before);

  describe.concurrent.each([
    ['recipe', 18, recipeRows],
    ['image', 14, imageRows],
  ] as const)('the table of %s', (kind, count, rows) => {
    it.each(rows)('$message', async ({ code, message, hint, cases }) => {
      for (const { args, stdin, says } of cases) {
        expect(await murmur(server, args, stdin === undefined ? {} : { stdin })).toEqual({
          code: 1,
          stdout: '',
          stderr: `murmur: ${code}: ${says ?? message}\n${hint}\n`,
        });
      }
      await unchanged();
    });

    it('is here whole, each row once, in the words and the order of the server', async () => {
      const table = rows.map(({ code, message, hint }) => ({ code, message, hint }));
      expect(new Set(table.map(({ message }) => message)).size).toBe(count);
      const described = JSON.parse(await murmurOk(server, ['describe', kind, '-o', 'json'])) as { errors: { message: string }[] };
      const messages = table.map(({ message }) => message);
      expect(described.errors.filter(({ message }) => messages.includes(message))).toEqual(table);
    });
  });

  describe.concurrent('the table of bake', () => {
    it.each([
      ['recipe', ['nothing', ...local]],
      ['environment', ['on-tiny', 'nothing', 'murmur-qemu-local']],
      ['placement', ['on-tiny', 'murmur-qemu-small', 'nothing']],
    ] as const)('a missing %s is not found, and the hint says where names are listed', async (kind, names) => {
      expect(await murmur(server, ['bake', ...names])).toEqual({
        code: 1,
        stdout: '',
        stderr: `murmur: NOT_FOUND: ${kind} "nothing" not found\n${checkNames}\n`,
      });
      await unchanged();
    });

    it('a service profile and variables exclude each other, for the command and for any other client', async () => {
      const message = '--service-profile and -e are mutually exclusive';
      expect(await murmur(server, ['bake', '-e', 'A=1', '--service-profile', 'ci-bot', 'on-tiny', ...local])).toEqual({
        code: 2,
        stdout: '',
        stderr: `murmur: INVALID_ARGUMENT: ${message}\nUse one or the other, not both.\n`,
      });
      const [environment, placement] = local;
      const request = { recipe: 'on-tiny', environment, placement, serviceProfile: 'ci-bot', variables: { A: '1' } };
      expect(await callApi(server, 'StartBake', request)).toMatchObject({ code: 'invalid_argument', message });
      await unchanged();
    });

    it.each(['missing', 'nonsense', 'altered', 'shouted', 'expired', 'revoked'])('a key that is %s lets nobody in', async (which) => {
      const result = await murmur(server, ['bake', 'on-tiny', ...local], { env: { MURMUR_API_KEY: keys[which] ?? '', ...homeless } });
      expect(result).toEqual({
        code: 1,
        stdout: '',
        stderr:
          'murmur: UNAUTHENTICATED: identity token is missing or expired\nRun `murmur auth` or check your `murmur.local.yaml` configuration.\n',
      });
      await unchanged();
    });

    it.each(['unbound', 'viewer'])('whoever is %s may not bake, whether the recipe exists or not', async (which) => {
      for (const name of ['on-tiny', 'nothing']) {
        const result = await murmur(server, ['bake', name, ...local], { env: { MURMUR_API_KEY: keys[which] ?? '' } });
        expect(result).toEqual({ code: 1, stdout: '', stderr: denied('recipe.edit') });
      }
      await unchanged();
    });
  });

  describe('--service-profile in the tenant of a GitHub App', () => {
    const bake = (key: string, ...args: readonly string[]) =>
      murmur(server, ['bake', ...args, ...gcp], { env: { MURMUR_API_KEY: key, MURMUR_TENANT: 'github_app/acme' } });
    let admin = '';
    let baker = '';

    beforeAll(async () => {
      admin = (await murmurOk(server, ['tenant', 'create', 'github_app/acme', '--admin', 'ana'])).trim();
      const asAdmin = { env: { MURMUR_API_KEY: admin } };
      await murmur(server, ['apply', '-f', '-'], {
        ...asAdmin,
        stdin: [
          ...resources.filter(([, name]) => ['gcp', 'iowa', 'gce-amd', 'hello'].includes(name)).map(documentOf),
          'kind: service-profile\nname: ci-bot\ngrants: [{user: ben}]\n',
          'kind: service-profile\nname: other\n',
          'kind: tenant-binding\nname: bakers\nusers: [ben]\npermissions: [recipe.edit, "*.read"]\n',
        ].join('---\n'),
      });
      baker = (await murmur(server, ['key', 'create', 'ben'], asAdmin)).stdout.trim();
    });

    it.concurrent.each([
      [
        'needs service-profile.assume on that profile',
        'baker',
        ['--service-profile', 'other', 'hello'],
        1,
        denied('service-profile.assume'),
      ],
      [
        'is refused the same for a profile there is not',
        'baker',
        ['--service-profile', 'none', 'hello'],
        1,
        denied('service-profile.assume'),
      ],
      [
        'names a profile there is',
        'admin',
        ['--service-profile', 'none', 'hello'],
        1,
        'murmur: NOT_FOUND: service-profile "none" not found\nSee which there are with `murmur get service-profile`.\n',
      ],
      [
        'excludes -e',
        'baker',
        ['--service-profile', 'ci-bot', '-e', 'A=1', 'hello'],
        2,
        'murmur: INVALID_ARGUMENT: --service-profile and -e are mutually exclusive\nUse one or the other, not both.\n',
      ],
      [
        'lets whoever may assume it go on',
        'baker',
        ['--service-profile', 'ci-bot', 'hello'],
        1,
        'murmur: FAILED_PRECONDITION: substrate SUBSTRATE_GCP is not available on this server\n',
      ],
    ] as const)('%s', async (_what, who, args, code, stderr) => {
      const result = await bake(who === 'admin' ? admin : baker, ...args);
      expect(result).toMatchObject({ code, stdout: '' });
      expect(result.stderr.slice(0, stderr.length)).toBe(stderr);
    });
  });

  describe.concurrent('what a bake needs before anything is created', () => {
    it.each([
      [
        'a service profile outside GitHub App tenants',
        ['--service-profile', 'ci-bot', 'on-tiny', ...local],
        'INVALID_ARGUMENT: --service-profile is only available for GitHub App tenants',
      ],
      ['a recipe without a base there', ['on-gcp', ...aws], 'INVALID_ARGUMENT: recipe "on-gcp" has no base image for SUBSTRATE_AWS'],
      ['a recipe without a local base', ['on-aws', ...local], 'INVALID_ARGUMENT: recipe "on-aws" has no base image for SUBSTRATE_QEMU'],
      [
        'two substrates',
        ['on-gcp', 'gcp', 'oregon'],
        'INVALID_ARGUMENT: substrate mismatch: environment "gcp" is SUBSTRATE_GCP but placement "oregon" is SUBSTRATE_AWS',
      ],
      [
        'two architectures',
        ['on-aws', 'aws-arm', 'oregon'],
        'INVALID_ARGUMENT: architecture mismatch: base image "east-only" is ARCHITECTURE_AMD64 but machine type "murmur-m7g-large" is ARCHITECTURE_ARM64',
      ],
      ['a region without the image', ['on-aws', ...aws], 'FAILED_PRECONDITION: base image "east-only" has no AMI in region us-west-2'],
      ['a substrate this server lacks', ['on-gcp', ...gcp], 'FAILED_PRECONDITION: substrate SUBSTRATE_GCP is not available on this server'],
      [
        'a disk this server lacks',
        ['on-absent', ...local],
        `FAILED_PRECONDITION: image "absent": disk sha256:${'0'.repeat(64)} is not on this server`,
      ],
      [
        'a secret nobody holds',
        ['-e', 'GIVEN=1', 'needy', ...local],
        'FAILED_PRECONDITION: secret_allowlist[1]: secret "MISSING" does not exist',
        'FAILED_PRECONDITION: secret_allowlist[2]: secret "ALSO_MISSING" does not exist',
      ],
      [
        'a time to keep that is none',
        ['--keep-on-failure', '1d', 'on-tiny', ...local],
        'INVALID_ARGUMENT: keep_on_failure: invalid duration',
      ],
    ] as const)('refuses %s', async (_what, args, ...expected) => {
      const { code, faults, hints } = await refusal(server, ['bake', ...args]);
      expect({ code, faults }).toEqual({ code: 1, faults: expected });
      expect(hints).toHaveLength(expected.length);
    });

    it('prints every fault of the variables in one line each, then the hints once', async () => {
      expect(
        await refusal(server, ['bake', '-e', 'lower=1', '-e', 'PATH=/x', '-e', 'MURMUR_X=1', '-e', 'LD_PRELOAD=/x', 'on-tiny', ...local]),
      ).toEqual({
        code: 1,
        faults: [
          `INVALID_ARGUMENT: variable "LD_PRELOAD" ${steers}`,
          'INVALID_ARGUMENT: secret name "MURMUR_X" is reserved (MURMUR_* is internal)',
          `INVALID_ARGUMENT: variable "PATH" ${steers}`,
          'INVALID_ARGUMENT: secret name "lower" must match [A-Z][A-Z0-9_]*',
        ],
        hints: [
          'Set it inside the provisioning script.',
          'Choose a name that does not start with MURMUR_.',
          'Use upper case letters, digits and underscores, starting with a letter.',
        ],
      });
    });

    it.each([
      [['bake', 'on-tiny']],
      [['bake', 'on-tiny', ...local, 'more']],
      [['bake', '--no-such-flag', 'on-tiny', ...local]],
      [['bake', '-e', 'SURELY_NOT_SET_ANYWHERE', 'on-tiny', ...local]],
      [['bakes', 'ls', '--page-size', '0']],
      [['bakes', 'ls', '--page-size', '101']],
      [['get', 'recipe', '-o', 'xml']],
      [['no-such-command']],
      [['patch', 'recipe', 'on-tiny']],
      [['try', 'tiny', ...local]],
    ])('wrong usage ends with 2: %j', async (args) => {
      const { code, faults } = await refusal(server, args);
      expect(code).toBe(2);
      for (const fault of faults) expect(fault).toMatch(/^INVALID_ARGUMENT: /);
    });
  });

  describe.concurrent('a document that cannot be taken', () => {
    const many = ['name: Bad', 'provisioning_timeout: 2h', 'secret_allowlist: [ok, MURMUR_X]', `description: ${'x'.repeat(1025)}`].join(
      '\n',
    );

    it('prints all that is wrong with a recipe in the order of its table, then the hints', async () => {
      expect(await murmur(server, ['set', 'recipe', 'new'], { stdin: many })).toEqual({
        code: 1,
        stdout: '',
        stderr: [
          'murmur: INVALID_ARGUMENT: name must match [a-z][a-z0-9-]{0,62}',
          'murmur: INVALID_ARGUMENT: name "Bad" does not match "new"',
          'murmur: INVALID_ARGUMENT: at least one of base_image_aws_ref or base_image_gce_ref is required',
          'murmur: INVALID_ARGUMENT: provisioning_script is required',
          'murmur: INVALID_ARGUMENT: provisioning_timeout exceeds 1h maximum',
          'murmur: INVALID_ARGUMENT: secret_allowlist[0]: secret name must match [A-Z][A-Z0-9_]*',
          'murmur: INVALID_ARGUMENT: secret_allowlist[1]: secret name is reserved (MURMUR_*)',
          'murmur: INVALID_ARGUMENT: description exceeds 1024 byte limit',
          'Use a lowercase DNS label — starts with a letter, only lowercase letters, digits, and hyphens, max 63 characters.',
          'Use the same name in the document and on the command line.',
          'Set `base_image_aws_ref`, `base_image_gce_ref`, or both.',
          'Provide the script content in `provisioning_script`.',
          'Reduce the timeout to 1 hour or less.',
          'Secret names use uppercase letters, digits, and underscores, starting with a letter.',
          'Names starting with `MURMUR_` are reserved. Choose a different name.',
          'Shorten the description to 1024 bytes or fewer.',
          '',
        ].join('\n'),
      });
    });

    it.each([
      ['two documents', 'name: new\n---\nname: other\n', /line 2/],
      ['a key twice', 'name: new\ndescription: a\nname: other\n', /line 3/],
      ['no mapping', '- name: new\n', /^INVALID_ARGUMENT: /],
      ['broken YAML', 'name: [new\n', /line /],
    ])('refuses input with %s and says where', async (_what, stdin, message) => {
      const { code, faults } = await refusal(server, ['set', 'recipe', 'new'], { stdin });
      expect({ code, faults }).toEqual({ code: 1, faults: [expect.stringMatching(message)] });
    });
  });

  it('nothing was changed by any of it, and what is changed would have been seen', async () => {
    expect(await catalogOf(server)).toEqual(wholeBefore);
    expect(JSON.parse(await murmurOk(server, ['bakes', 'ls', '-o', 'json']))).toEqual([]);
    expect(await machinesOf(server.dataDir)).toEqual([]);
    expect(await machineFolders(server.dataDir)).toEqual([]);
    await murmurOk(server, ['patch', 'recipe', 'on-tiny', '--set', 'description=seen']);
    expect(await listsOf(server)).not.toEqual(before);
    expect(await catalogOf(server)).not.toEqual(wholeBefore);
  });
});
