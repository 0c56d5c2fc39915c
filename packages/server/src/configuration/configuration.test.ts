import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { isMurmurError } from '@murmur/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { noConfiguration, parseConfiguration, readConfiguration } from './configuration.js';

const file = '/etc/murmur/server.yaml';

/** What is wrong with this text, each message without the file's name. */
function problemsOf(text: string): string[] {
  try {
    parseConfiguration(text, file);
  } catch (thrown) {
    if (!isMurmurError(thrown)) throw thrown;
    return thrown.faults.map(({ code, message }) => message.replace(`${file}: `, code === 'INVALID_ARGUMENT' ? '' : code));
  }
  return [];
}

describe('the configuration file', () => {
  test('says all there is to say', () => {
    const text = `
oidc:
  - issuer: https://login.example.com
    client_id: murmur-cli
    tenant: github_app/acme
    subject_prefix: "people:"
    required_claims: {hd: acme.example}
    authorized_parties: [portal]
  - issuer: http://127.0.0.1:4000
    audience: murmur
    scopes: [openid]
    tenant_claim: murmur_tenant
    subject_claim: email
    subject_prefix: "corp:"
base_images:
  aws:
    ami_ids: {us-east-1: ami-0abc123def456789a}
  gce:
    self_link: projects/debian-cloud/global/images/family/debian-12
local_tenants: [github_app/acme]
hosts: [murmur.example.com]
key_provider: {file: keys/master}
limits:
  machines: {memory_gb: 0.5, vcpus: 3}
  per_tenant: {bakes: 20, machines: 2}
  disk_floor: 10 GiB
  disk_size_gb: 50
  connections: 100
network: {guests: [internet, 10.1.0.0/16, 'fd00::1']}
retention: {runs: 1d12h, logs: 36h, audit: 0}
`;
    expect(parseConfiguration(text, file)).toEqual({
      oidc: [
        {
          issuer: 'https://login.example.com',
          audience: 'murmur-cli',
          clientId: 'murmur-cli',
          scopes: ['openid', 'profile', 'email', 'offline_access'],
          tenant: { id: 'github_app/acme' },
          subjectClaim: 'sub',
          subjectPrefix: 'people:',
          requiredClaims: { hd: 'acme.example' },
          authorizedParties: ['portal'],
        },
        {
          issuer: 'http://127.0.0.1:4000',
          audience: 'murmur',
          clientId: '',
          scopes: ['openid'],
          tenant: { claim: 'murmur_tenant' },
          subjectClaim: 'email',
          subjectPrefix: 'corp:',
        },
      ],
      baseImages: {
        awsBaseAmis: { 'us-east-1': 'ami-0abc123def456789a' },
        gceBaseSelfLink: 'projects/debian-cloud/global/images/family/debian-12',
      },
      localTenants: ['github_app/acme'],
      hosts: ['murmur.example.com'],
      keyProvider: { file: '/etc/murmur/keys/master' },
      limits: {
        machines: { memoryMb: 512, vcpus: 3 },
        perTenant: { bakes: 20, machines: 2 },
        diskFloor: { bytes: 10 * 1024 ** 3, percent: 100 },
        diskSizeGb: 50,
        connections: 100,
      },
      network: { guests: ['internet', '10.1.0.0/16', 'fd00::1'] },
      retention: { runsSeconds: 129_600, logsSeconds: 129_600, auditSeconds: undefined },
      substrates: { qemu: { enabled: true }, docker: { enabled: true, socket: undefined, registry: undefined } },
    });
  });

  test("names AWS, with an endpoint and the operator's own credentials, or without", () => {
    const aws = (text: string) => parseConfiguration(`substrates: {aws: ${text}}`, file).substrates.aws;
    expect(aws('{}')).toEqual({ endpoint: undefined, operatorCredentials: 'refused' });
    expect(aws('{endpoint: "http://127.0.0.1:4566", operator_credentials: true}')).toEqual({
      endpoint: 'http://127.0.0.1:4566',
      operatorCredentials: 'allowed',
    });
    expect(() => aws('{endpoint: ec2}')).toThrow('substrates.aws.endpoint: "ec2" is not the address of a service');
    expect(() => aws('{operator_credentials: {access_key_id: AKIAEXAMPLE}}')).toThrow('operator_credentials');
  });

  test('names GCE, with its addresses and what the installation calls itself there, or without', () => {
    const gce = (text: string) => parseConfiguration(`substrates: {gce: ${text}}`, file).substrates.gce;
    expect(gce('{}')).toEqual({
      endpoint: undefined,
      stsEndpoint: undefined,
      iamCredentialsEndpoint: undefined,
      issuer: undefined,
      operatorCredentials: 'refused',
    });
    const addresses = 'endpoint: "http://127.0.0.1:4567", sts_endpoint: "http://127.0.0.1:4567"';
    expect(gce(`{${addresses}, issuer: "https://murmur.example.com/a", operator_credentials: true}`)).toMatchObject({
      endpoint: 'http://127.0.0.1:4567',
      stsEndpoint: 'http://127.0.0.1:4567',
      issuer: 'https://murmur.example.com/a',
      operatorCredentials: 'allowed',
    });
    expect(() => gce('{sts_endpoint: sts}')).toThrow('substrates.gce.sts_endpoint: "sts" is not the address of a service');
    expect(() => gce('{issuer: "http://murmur.example.com"}')).toThrow('substrates.gce.issuer: "http://murmur.example.com" is not');
  });

  test.each(['', '# nothing yet\n', '{}', 'oidc:\nbase_images:\nlocal_tenants:\nkey_provider:\nlimits:\nnetwork:\nretention:\n'])(
    'may leave everything out: %j',
    (text) => {
      expect(parseConfiguration(text, file)).toEqual(noConfiguration);
    },
  );

  test('may be what the guide shows', async () => {
    const guide = await readFile(new URL('../../../../docs/guides/running-a-server.md', import.meta.url), 'utf8');
    const [, example = ''] = /^```yaml\n(#.*?)^```$/ms.exec(guide) ?? [];
    expect(parseConfiguration(example, file)).toMatchObject({
      oidc: [{ issuer: 'https://login.example.com', tenant: { id: 'github_app/acme' } }],
      localTenants: ['github_app/acme'],
      keyProvider: { file: '/run/secrets/murmur-master-key' },
    });
  });

  test.each([
    ['{repository: ghcr.io/acme/bakes, credential_env: PUSH}', []],
    ['{repository: "127.0.0.1:5000/bakes"}', []],
    ['{credential_env: PUSH}', ['substrates.docker.registry.repository is required']],
    [
      '{repository: bakes}',
      ['substrates.docker.registry.repository: "bakes" is not a registry\'s host and a path, such as ghcr.io/acme/bakes'],
    ],
    ['{repository: ghcr.io/bakes, credential_file: push}', ['substrates.docker.registry.credential_file: "push" is not an absolute path']],
    [
      '{repository: ghcr.io/bakes, credential_file: /push, credential_env: PUSH}',
      ['substrates.docker.registry: credential_file and credential_env exclude each other'],
    ],
    ['{repository: ghcr.io/bakes, password: x}', ['unknown field "substrates.docker.registry.password"']],
  ])('a registry that gets what is baked: %s', (registry, problems) => {
    expect(problemsOf(`substrates: {docker: {registry: ${registry}}}`)).toEqual(problems);
  });

  const issuers = (...each: string[]) =>
    `oidc: [${each.map((fields, at) => `{issuer: "https://${at}", client_id: c, ${fields}}`).join(', ')}]`;
  const clash = (prefix: string, other: string) => [
    `oidc[1].subject_prefix: "${prefix}" could name people of "https://0", whose prefix is "${other}": they can share a tenant`,
  ];

  test.each([
    [issuers('tenant: local/a', 'tenant: local/a'), clash('', '')],
    [issuers('tenant: local/a', 'tenant: local/a, subject_prefix: "b:"'), clash('b:', '')],
    [issuers('tenant: local/a, subject_prefix: "b:"', 'tenant: local/a, subject_prefix: "b:c:"'), clash('b:c:', 'b:')],
    [issuers('tenant: local/a', 'tenant_claim: t'), clash('', '')],
    [issuers('tenant_claim: t', 'tenant: local/a'), clash('', '')],
    [issuers('tenant: local/a', 'tenant: local/b'), []],
    [issuers('tenant: local/a, subject_prefix: "a:"', 'tenant_claim: t, subject_prefix: "b:"'), []],
  ])('the people of two issuers that can share a tenant cannot be taken for each other: %s', (text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  const oidc = (fields: string): string => `oidc: [{issuer: "https://a.example", client_id: cli, tenant: local/default, ${fields}}]`;

  test.each([
    ['- a', ['expected mapping']],
    ['odic: []', ['unknown field "odic"']],
    ['oidc: {}', ['oidc: expected list']],
    [
      'oidc: [x]',
      [
        'oidc[0]: expected mapping',
        'oidc[0].issuer is required',
        'oidc[0].audience is required',
        'oidc[0]: one of tenant and tenant_claim is required',
      ],
    ],
    [oidc('colour: red'), ['unknown field "oidc[0].colour"']],
    [oidc('tenant_claim: t'), ['oidc[0]: tenant and tenant_claim are mutually exclusive']],
    [oidc('scopes: [profile]'), ['oidc[0].scopes: must include openid']],
    [oidc('scopes: openid'), ['oidc[0].scopes: expected list']],
    [oidc('scopes: [openid, 7, ""]'), ['oidc[0].scopes[1]: expected string', 'oidc[0].scopes[2]: must not be empty']],
    [oidc('audience: 7'), ['oidc[0].audience: expected string']],
    [oidc('required_claims: {hd: 7}'), ['oidc[0].required_claims[hd]: expected string']],
    [oidc('required_claims: x'), ['oidc[0].required_claims: expected mapping']],
    [oidc('authorized_parties: x'), ['oidc[0].authorized_parties: expected list']],
    [oidc('subject_claim: ""'), ['oidc[0].subject_claim: must not be empty']],
    [oidc('subject_prefix: service-profile/'), ['oidc[0].subject_prefix: service-profile/ is reserved for service profiles']],
    ['oidc: [{issuer: ftp://a, client_id: c, tenant: local/a}]', ['oidc[0].issuer: "ftp://a" is not a URL']],
    ['oidc: [{issuer: nonsense, client_id: c, tenant: local/a}]', ['oidc[0].issuer: "nonsense" is not a URL']],
    ['oidc: [{issuer: "http://a.example", client_id: c, tenant: local/a}]', ['oidc[0].issuer: must be https, other than on this machine']],
    ['oidc: [{issuer: "https://u:p@a.example", client_id: c, tenant: local/a}]', ['oidc[0].issuer: must have no user, query or fragment']],
    [
      'oidc: [{issuer: "https://a.example", client_id: c, tenant: murmur/platform}]',
      ['oidc[0].tenant: "murmur/platform" is not a tenant such as github_app/acme or local/default'],
    ],
    [
      'oidc: [{issuer: "https://a", client_id: c, tenant: local/a}, {issuer: "https://a", client_id: d, tenant: local/b}]',
      ['oidc[1].issuer: "https://a" is listed already'],
    ],
    ['base_images: {azure: {}}', ['unknown field "base_images.azure"']],
    ['base_images: {aws: {}}', ['base_images.aws: ami_ids is required']],
    ['base_images: {aws: {ami_ids: {}}}', ['base_images.aws.ami_ids must be non-empty']],
    ['base_images: {aws: {ami_ids: {us-east-1: ami-1}}}', ['base_images.aws.ami_ids[us-east-1]: must match ami-[0-9a-f]{8,17}']],
    ['base_images: {aws: {ami_ids: {us-east-1: 7}}}', ['base_images.aws.ami_ids[us-east-1]: expected string']],
    ['base_images: {aws: {ami_ids: {__proto__: ami-1}}}', [expect.stringContaining('base_images.aws.ami_ids[__proto__]')]],
    ['base_images: {aws: {ami_ids: x}}', ['base_images.aws.ami_ids: expected mapping']],
    ['base_images: {gce: {}}', ['base_images.gce.self_link is required']],
    ['local_tenants: [acme, local/a]', ['local_tenants[0]: "acme" is not a tenant such as github_app/acme']],
    ['hosts: ["https://a"]', ['hosts[0]: "https://a" is not a name such as murmur.example.com']],
    ['key_provider: {}', ['key_provider: exactly one of file and env is required']],
    ['key_provider: {file: a, env: B}', ['key_provider: exactly one of file and env is required']],
    ['key_provider: {env: A-B}', ['key_provider.env: "A-B" is not the name of a variable']],
    ['limits: {machine: {}}', ['unknown field "limits.machine"']],
    [
      'limits: {machines: {memory_gb: 100000}}',
      [expect.stringMatching(/^limits.machines.memory_gb: 100000 is more than the .* of this host$/)],
    ],
    [
      'limits: {machines: {memory_gb: 0, vcpus: 1.5}}',
      ['limits.machines.memory_gb: must be at least 0.125', 'limits.machines.vcpus: must be a whole number'],
    ],
    ['limits: {machines: {vcpus: "4"}}', ['limits.machines.vcpus: expected number']],
    ['limits: {machines: {vcpus: .nan}}', ['limits.machines.vcpus: must be between 1 and 4096']],
    ['limits: {connections: 8}', ['limits.connections: must be between 16 and 1000000']],
    [
      'limits: {connections: 1000000}',
      [
        expect.stringMatching(
          /^limits.connections: 1000000 is more than \d+, what the \d+ files that this process may open leave room for$/,
        ),
      ],
    ],
    ['limits: {per_tenant: {bakes: 0}}', ['limits.per_tenant.bakes: must be between 1 and 1000000']],
    ['limits: {disk_floor: 5}', ['limits.disk_floor: "5" is not a size such as 5 GiB or 10 %']],
    ['limits: {disk_floor: 95 %}', ['limits.disk_floor: "95 %" is not a size such as 5 GiB or 10 %']],
    ['network: {guests: everything}', ['network.guests: "everything" is neither internet, nor any, nor a list']],
    ['network: {guests: 5}', ['network.guests: expected list']],
    [
      'network: {guests: [any, 10.0.0.0/33, "10.0.0.0/8; flush ruleset", "fe80::1%lo", 10.0.0/8]}',
      ['any', '10.0.0.0/33', '10.0.0.0/8; flush ruleset', 'fe80::1%lo', '10.0.0/8'].map(
        (one, index) => `network.guests[${index}]: "${one}" is neither internet nor a prefix such as 10.1.0.0/16`,
      ),
    ],
    ['retention: {runs: soon}', ['retention.runs: "soon" is not a duration such as 90d or 36h']],
    ['retention: {runs: 90}', ['retention.runs: "90" is not a duration such as 90d or 36h']],
    ['retention: {logs: 1m}', ['retention.logs: must be at least 1h, or 0 to keep for ever']],
    ['retention: {audit: 99999d}', ['retention.audit: must be at most 36500d, or 0 to keep for ever']],
    ['a: 1\na: 2', ['line 2, column 1: duplicate key "a"']],
    ['a: [', [expect.stringMatching(/^line \d+, column \d+: /)]],
  ])('is refused for %j', (text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  test('is refused with all its faults at once', () => {
    expect(problemsOf('oidc: [{issuer: 1}]\nlocal_tenants: x\nkey_provider: []\nextra: 1\n')).toEqual([
      'unknown field "extra"',
      'oidc[0].issuer: expected string',
      'oidc[0].audience is required',
      'oidc[0]: one of tenant and tenant_claim is required',
      'local_tenants: expected list',
      'key_provider: expected mapping',
      'key_provider: exactly one of file and env is required',
    ]);
  });
});

describe('the file itself', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'murmur-configuration-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('must be there when it was named', async () => {
    const absent = join(folder, 'absent.yaml');
    expect(await readConfiguration(absent, 'optional')).toEqual(noConfiguration);
    const failure = { code: 'INVALID_ARGUMENT', message: `cannot read ${absent}: no such file` };
    await expect(readConfiguration(absent, 'required')).rejects.toMatchObject(failure);
    await expect(readConfiguration(folder, 'optional')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
