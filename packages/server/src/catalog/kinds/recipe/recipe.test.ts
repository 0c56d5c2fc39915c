import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema } from '@murmur/api';

import { writeBakedImage } from '../../baked-image.js';
import { describeKind } from '../../describe-kind.js';
import type { TestCatalog } from '../../testing.js';

interface Overrides {
  readonly [field: string]: string | undefined;
}

/** A valid recipe with some fields replaced, or left out where undefined. */
function recipe(overrides: Overrides = {}): string {
  const fields: Overrides = {
    name: 'tools',
    base_image_gce_ref: 'gce-amd',
    provisioning_script: '"#!/bin/sh\\ntrue\\n"',
    provisioning_timeout: '15m',
    ...overrides,
  };
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => `${field}: ${value}\n`)
    .join('');
}

const sources = {
  aws: 'aws: {ami_ids: {us-east-1: ami-0abc123def456789a}}',
  gce: 'gce: {self_link: projects/acme/global/images/debian}',
  docker: 'docker: {image_ref: debian}',
  qemu: `qemu: {disk_digest: "sha256:${'0'.repeat(64)}"}`,
};

async function images(catalog: TestCatalog): Promise<void> {
  for (const [source, text] of Object.entries(sources)) {
    for (const architecture of ['AMD64', 'ARM64']) {
      const name = `${source}-${architecture.slice(0, 3).toLowerCase()}`;
      await catalog.set('image', name, `name: ${name}\narchitecture: ${architecture}\n${text}\n`);
    }
  }
  await catalog.set('recipe', 'used', recipe({ name: 'used' }));
  await catalog.database.database.transaction().execute(async (trx) => {
    for (const name of ['used-b', 'used-a']) await writeBakedImage(trx, { tenant: 'local/default', author: 'baker', image: baked(name) });
  });
}

function baked(name: string) {
  return create(ImageSchema, {
    name,
    architecture: Architecture.AMD64,
    source: {
      case: 'gce',
      value: { selfLink: 'projects/acme/global/images/x', provenance: { recipeRef: 'used', imageHash: '0'.repeat(64) } },
    },
  });
}

describeKind({
  kind: 'recipe',
  named: 'tools',
  prepare: images,
  accepted: [
    recipe(),
    recipe({ base_image_gce_ref: 'murmur-gce-base', base_image_aws_ref: 'murmur-aws-base' }),
    recipe({ base_image_aws_ref: 'aws-amd', base_image_docker_ref: 'docker-amd', base_image_qemu_ref: 'qemu-amd' }),
    recipe({ base_image_gce_ref: undefined, base_image_qemu_ref: 'qemu-arm' }),
    recipe({ base_image_gce_ref: undefined, baseImageDockerRef: 'docker-arm', provisioning_timeout: undefined, provisioningTimeout: '1h' }),
    recipe({ secret_allowlist: '[A, NPM_TOKEN, MURMURING, A_1]', description: 'ü'.repeat(512) }),
    recipe({ provisioning_script: `"${'é'.repeat(128 * 1024)}"`, provisioning_timeout: '59m59.999s' }),
    recipe({ provisioning_script: '"a\\n\\r\\n\\t\\e[0m trailing \\n\\n\\n"', provisioning_timeout: '1ns', description: '' }),
    recipe({ name: `tools`, provisioning_timeout: '0.5h30m' }),
  ],
  errors: [
    { documented: 'INVALID_ARGUMENT: name is required', document: recipe({ name: undefined }) },
    { documented: 'INVALID_ARGUMENT: name is required', document: recipe({ name: '""' }) },
    { documented: 'INVALID_ARGUMENT: name is required', document: '{}' },
    ...['Tools', '1tools', '-tools', 'to_ols', 'tools.x', 'a'.repeat(64), '"tools\\n"', 'ä'].map((name) => ({
      documented: 'INVALID_ARGUMENT: name must match [a-z][a-z0-9-]{0,62}',
      document: recipe({ name }),
    })),
    {
      documented: 'INVALID_ARGUMENT: name "a" does not match "b"',
      message: 'name "tools" does not match "other"',
      document: recipe(),
      name: 'other',
    },
    {
      documented: 'INVALID_ARGUMENT: at least one of base_image_aws_ref or base_image_gce_ref is required',
      document: recipe({ base_image_gce_ref: undefined }),
    },
    { documented: 'INVALID_ARGUMENT: provisioning_script is required', document: recipe({ provisioning_script: undefined }) },
    { documented: 'INVALID_ARGUMENT: provisioning_script is required', document: recipe({ provisioning_script: '' }) },
    {
      documented: 'INVALID_ARGUMENT: provisioning_script exceeds 256 KiB limit',
      document: recipe({ provisioning_script: `"${'é'.repeat(128 * 1024)}a"` }),
    },
    ...[
      { script: '\\uFEFF#!/bin/sh\\ntrue\\n', documented: 'a byte order mark stands before "X"', line: '#!/bin/sh' },
      { script: '\\uFEFFtrue', documented: 'a byte order mark stands before "X"', line: 'true' },
      { script: '#!/bin/bash -e\\r\\ntrue\\r\\n', documented: 'the line "X" ends with a carriage return (CRLF)', line: '#!/bin/bash -e' },
      { script: 'true\\r\\n', documented: 'the line "X" ends with a carriage return (CRLF)', line: 'true' },
      { script: '\\r\\n#!/bin/sh', documented: 'the line "X" ends with a carriage return (CRLF)', line: '#!/bin/sh' },
      { script: '\\n\\n#!/bin/bash\\ntrue', documented: '"X" has to be the first line, with nothing before it', line: '#!/bin/bash' },
      {
        script: ` #!/opt/\\e${'n'.repeat(70)}`,
        documented: '"X" has to be the first line, with nothing before it',
        line: `#!/opt/\uFFFD${'n'.repeat(52)}…`,
      },
    ].map(({ documented, line, script }) => ({
      documented: `INVALID_ARGUMENT: provisioning_script: ${documented}`,
      message: `provisioning_script: ${documented.replace('X', line)}`,
      document: recipe({ provisioning_script: `"${script}"` }),
    })),
    {
      // What the kind has always refused is said first.
      documented: 'INVALID_ARGUMENT: provisioning_timeout is required',
      document: recipe({ provisioning_script: '"true\\r\\n"', provisioning_timeout: undefined }),
    },
    { documented: 'INVALID_ARGUMENT: provisioning_timeout is required', document: recipe({ provisioning_timeout: undefined }) },
    ...['15', '1.5', 'true1', '1d', 'PT1M', '"15"', '.', '10min', '2562048h'].map((provisioning_timeout) => ({
      documented: 'INVALID_ARGUMENT: provisioning_timeout: invalid duration',
      document: recipe({ provisioning_timeout }),
    })),
    ...['"0"', '0s', '-1s', '-0.5h'].map((provisioning_timeout) => ({
      documented: 'INVALID_ARGUMENT: provisioning_timeout: duration must be positive',
      document: recipe({ provisioning_timeout }),
    })),
    ...['1h1ns', '61m', '24h'].map((provisioning_timeout) => ({
      documented: 'INVALID_ARGUMENT: provisioning_timeout exceeds 1h maximum',
      document: recipe({ provisioning_timeout }),
    })),
    {
      documented: 'INVALID_ARGUMENT: secret_allowlist[N]: secret name must match [A-Z][A-Z0-9_]*',
      message: 'secret_allowlist[1]: secret name must match [A-Z][A-Z0-9_]*',
      document: recipe({ secret_allowlist: '[GOOD, bad, _X]' }),
    },
    {
      documented: 'INVALID_ARGUMENT: secret_allowlist[N]: secret name is reserved (MURMUR_*)',
      message: 'secret_allowlist[2]: secret name is reserved (MURMUR_*)',
      document: recipe({ secret_allowlist: '[GOOD, MURMUR, MURMUR_KEY]' }),
    },
    { documented: 'INVALID_ARGUMENT: description exceeds 1024 byte limit', document: recipe({ description: `${'ü'.repeat(512)}a` }) },
    ...['aws', 'gce', 'docker', 'qemu'].map((source) => ({
      documented: `INVALID_ARGUMENT: base_image_${source}_ref "X" does not exist`,
      message: `base_image_${source}_ref "nothing" does not exist`,
      document: recipe({ base_image_gce_ref: undefined, [`base_image_${source}_ref`]: 'nothing' }),
    })),
    ...[
      ['aws', 'an AWS'],
      ['gce', 'a GCE'],
      ['docker', 'a Docker'],
      ['qemu', 'a QEMU'],
    ].map(([source = '', words = '']) => {
      const other = source === 'aws' ? 'docker-amd' : 'aws-amd';
      return {
        documented: `INVALID_ARGUMENT: base_image_${source}_ref "X" is not ${words} image`,
        message: `base_image_${source}_ref "${other}" is not ${words} image`,
        document: recipe({ base_image_gce_ref: undefined, [`base_image_${source}_ref`]: other }),
      };
    }),
    ...[
      { base_image_aws_ref: 'aws-amd', base_image_gce_ref: 'gce-arm', base_image_docker_ref: 'docker-arm' },
      { base_image_aws_ref: 'aws-amd', base_image_gce_ref: 'gce-arm' },
    ].map((bases) => ({
      documented: 'INVALID_ARGUMENT: architecture mismatch: base_image_aws_ref is X but base_image_gce_ref is Y',
      message: 'architecture mismatch: base_image_aws_ref is ARCHITECTURE_AMD64 but base_image_gce_ref is ARCHITECTURE_ARM64',
      document: recipe(bases),
    })),
    {
      documented: 'INVALID_ARGUMENT: architecture mismatch: base_image_aws_ref is X but base_image_gce_ref is Y',
      message: 'architecture mismatch: base_image_gce_ref is ARCHITECTURE_AMD64 but base_image_qemu_ref is ARCHITECTURE_ARM64',
      document: recipe({ base_image_docker_ref: 'docker-amd', base_image_qemu_ref: 'qemu-arm' }),
    },
    {
      documented: 'FAILED_PRECONDITION: cannot delete recipe "X": referenced by image: Y',
      message: 'cannot delete recipe "used": referenced by image: used-a, used-b',
      attempt: async (catalog) => catalog.remove('recipe', 'used'),
    },
  ],
});
