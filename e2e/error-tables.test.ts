import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { murmur, murmurOk } from './harness/cli.js';
import { machineFolders, machinesOf } from './harness/machines.js';
import { refusal } from './harness/refusals.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';

const local = ['murmur-qemu-small', 'murmur-qemu-local'] as const;
const gcp = ['gcp', 'iowa'] as const;
const aws = ['aws', 'oregon'] as const;

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

describe('errors on the command line', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer();
    await setTinyImage(server);
    for (const [kind, name, document] of resources) await murmurOk(server, ['set', kind, name], { stdin: document });
  });
  afterAll(() => server.remove());

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
    });

    it('a service profile and variables exclude each other, for the command and for any other client', async () => {
      const message = '--service-profile and -e are mutually exclusive';
      expect(await murmur(server, ['bake', '-e', 'A=1', '--service-profile', 'ci-bot', 'on-tiny', ...local])).toEqual({
        code: 2,
        stdout: '',
        stderr: `murmur: INVALID_ARGUMENT: ${message}\nUse one or the other, not both.\n`,
      });
      const [environment, placement] = local;
      const response = await fetch(`${server.url}/murmur.api.v1.MurmurService/StartBake`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ recipe: 'on-tiny', environment, placement, serviceProfile: 'ci-bot', variables: { A: '1' } }),
      });
      expect({ status: response.status, body: await response.json() }).toMatchObject({
        status: 400,
        body: { code: 'invalid_argument', message },
      });
    });

    it('a key that is no key is not let in', async () => {
      const stderr =
        'murmur: UNAUTHENTICATED: identity token is missing or expired\nRun `murmur auth` or check your `murmur.local.yaml` configuration.\n';
      for (const key of ['nonsense', `${server.apiKey.slice(0, -1)}_`, server.apiKey.toUpperCase()]) {
        expect(await murmur(server, ['bake', 'on-tiny', ...local], { env: { MURMUR_API_KEY: key } })).toEqual({
          code: 1,
          stdout: '',
          stderr,
        });
      }
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
      ],
      [
        'a time to keep that is none',
        ['--keep-on-failure', '1d', 'on-tiny', ...local],
        'INVALID_ARGUMENT: keep_on_failure: invalid duration',
      ],
    ])('refuses %s', async (_what, args, fault) => {
      const { code, faults, hints } = await refusal(server, ['bake', ...args]);
      expect({ code, faults }).toEqual({ code: 1, faults: [fault] });
      expect(hints).toHaveLength(1);
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
        hints: ['Set it inside the provisioning script.'],
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

  describe.concurrent('the tables of recipe and image', () => {
    const many = ['name: Bad', 'provisioning_timeout: 2h', 'secret_allowlist: [ok, MURMUR_X]', `description: ${'x'.repeat(1025)}`].join(
      '\n',
    );
    const head = 'name: new\narchitecture: ARCHITECTURE_AMD64\n';

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
      ['recipe', `name: new\nbase_image_aws_ref: nothing\n${script}`, 'INVALID_ARGUMENT: base_image_aws_ref "nothing" does not exist'],
      ['recipe', `name: new\nbase_image_aws_ref: tiny\n${script}`, 'INVALID_ARGUMENT: base_image_aws_ref "tiny" is not an AWS image'],
      ['image', `${head}gce: {self_link: debian-12}\n`, 'INVALID_ARGUMENT: gce.self_link: invalid GCE image reference'],
      ['image', head, 'INVALID_ARGUMENT: source is required (aws, gce, or docker)'],
      ['image', `${head}aws: {ami_ids: {eu-west-1: ami-1}}\n`, 'INVALID_ARGUMENT: aws.ami_ids[eu-west-1]: must match ami-[0-9a-f]{8,17}'],
      [
        'image',
        `${head}gce: {self_link: projects/a/global/images/b, provenance: {recipe_ref: on-tiny}}\n`,
        'INVALID_ARGUMENT: provenance cannot be set via SetResource',
      ],
    ])('answers a wrong %s with the row of its table: %#', async (kind, stdin, fault) => {
      const { code, faults, hints } = await refusal(server, ['set', kind, 'new'], { stdin });
      expect({ code, faults }).toEqual({ code: 1, faults: [fault] });
      expect(hints).toHaveLength(1);
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

  it('nothing was changed by any of it', async () => {
    expect(JSON.parse(await murmurOk(server, ['bakes', 'ls', '-o', 'json']))).toEqual([]);
    expect(await machinesOf(server.dataDir)).toEqual([]);
    expect(await machineFolders(server.dataDir)).toEqual([]);
    const names = async (kind: string): Promise<string[]> =>
      (JSON.parse(await murmurOk(server, ['get', kind, '-o', 'json'])) as { name: string }[]).map(({ name }) => name);
    expect(await names('recipe')).toEqual(['on-gcp', 'on-aws', 'on-absent', 'on-tiny', 'needy']);
    expect((await names('image')).toSorted()).toEqual(['absent', 'east-only', 'murmur-gce-base', 'tiny']);
  });
});
