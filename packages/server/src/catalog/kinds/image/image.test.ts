import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema } from '@murmur/api';

import { writeBakedImage } from '../../baked-image.js';
import { describeKind } from '../../describe-kind.js';
import type { TestCatalog } from '../../testing.js';

const hash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const head = 'name: base\narchitecture: ARCHITECTURE_AMD64\n';
const link = 'projects/acme-agents/global/images/family/debian-12-sdk';
const provenance = `{recipe_ref: go, image_hash: ${hash}}`;

async function prepare(catalog: TestCatalog): Promise<void> {
  const script = 'provisioning_script: true1\nprovisioning_timeout: 1m';
  await catalog.set('recipe', 'go', `name: go\nbase_image_gce_ref: murmur-gce-base\n${script}\n`);
  await catalog.set('image', 'used', `name: used\narchitecture: AMD64\ngce: {self_link: ${link}}\n`);
  await catalog.set('recipe', 'user', `name: user\nbase_image_gce_ref: used\n${script}\n`);
  const value = { selfLink: 'projects/acme-agents/global/images/go', provenance: { recipeRef: 'go', imageHash: hash } };
  const image = create(ImageSchema, { name: 'go-baked', architecture: Architecture.AMD64, source: { case: 'gce', value } });
  await catalog.database.database
    .transaction()
    .execute(async (trx) => writeBakedImage(trx, { tenant: 'local/default', author: 'baker', image }));
}

const immutable = 'FAILED_PRECONDITION: baked images are immutable';
const fromBake = 'INVALID_ARGUMENT: provenance cannot be set via SetResource';
const noSource = 'INVALID_ARGUMENT: source is required (aws, gce, or docker)';

describeKind({
  kind: 'image',
  named: 'base',
  prepare,
  accepted: [
    `${head}gce: {self_link: ${link}}\n`,
    `${head}gce: {selfLink: projects/example.com:acme/global/images/a}\n`,
    `name: base\narchitecture: ARM64\naws:\n  ami_ids:\n    us-east-1: ami-0abc123def456789a\n    us-west-2: ami-01234567\n`,
    `${head}docker: {image_ref: "ghcr.io/acme/node20-dev:latest", pull_credential_secret: REGISTRY}\n`,
    `${head}qemu: {disk_digest: "sha256:${hash}"}\npreinstalled: git, curl\ndescription: ours\n`,
    `{"name": "base", "architecture": "AMD64", "description": null, "aws": null, "gce": {"selfLink": "${link}", "provenance": null}}`,
  ],
  errors: [
    { documented: 'INVALID_ARGUMENT: name is required', document: `architecture: AMD64\ngce: {self_link: ${link}}\n` },
    { documented: 'INVALID_ARGUMENT: name must match [a-z][a-z0-9-]{0,62}', document: `name: Base\narchitecture: AMD64\n` },
    {
      documented: 'INVALID_ARGUMENT: name "a" does not match "b"',
      message: 'name "base" does not match "other"',
      document: `${head}gce: {self_link: ${link}}\n`,
      name: 'other',
    },
    { documented: 'INVALID_ARGUMENT: description exceeds 1024 byte limit', document: `${head}description: ${'x'.repeat(1025)}\n` },
    { documented: 'INVALID_ARGUMENT: architecture is required', document: `name: base\ngce: {self_link: ${link}}\n` },
    { documented: 'INVALID_ARGUMENT: architecture is required', document: `name: base\narchitecture: ARCHITECTURE_UNSPECIFIED\n` },
    { documented: 'INVALID_ARGUMENT: architecture is required', document: `name: base\narchitecture: ""\n` },
    ...['RISCV', 'amd64', 'ARCHITECTURE_', 'SUBSTRATE_AWS'].map((architecture) => ({
      documented: 'INVALID_ARGUMENT: unknown architecture value',
      document: `name: base\narchitecture: ${architecture}\ngce: {self_link: ${link}}\n`,
    })),
    { documented: noSource, document: head },
    { documented: noSource, document: `${head}gce: {self_link: ${link}}\ndocker: {image_ref: debian}\n` },
    { documented: 'INVALID_ARGUMENT: aws.ami_ids must be non-empty', document: `${head}aws: {}\n` },
    { documented: 'INVALID_ARGUMENT: aws.ami_ids must be non-empty', document: `${head}aws: {ami_ids: {}}\n` },
    {
      documented: 'INVALID_ARGUMENT: aws.ami_ids: region key must be non-empty',
      document: `${head}aws: {ami_ids: {"": ami-01234567}}\n`,
    },
    ...['ami-0123456', 'ami-0123456789abcdef01', 'ami-0123456G', 'AMI-01234567', '', 'x'].map((id) => ({
      documented: 'INVALID_ARGUMENT: aws.ami_ids[<region>]: must match ami-[0-9a-f]{8,17}',
      message: 'aws.ami_ids[eu-west-1]: must match ami-[0-9a-f]{8,17}',
      document: `${head}aws: {ami_ids: {us-east-1: ami-01234567, eu-west-1: "${id}"}}\n`,
    })),
    { documented: 'INVALID_ARGUMENT: gce.self_link is required', document: `${head}gce: {}\n` },
    ...[
      'debian-12',
      'projects/acme/global/images/',
      'projects/acme/global/images/family/',
      `https://x/${link}`,
      `${link}/`,
      'projects/Acme/global/images/a',
      `projects/a/global/images/${'a'.repeat(64)}`,
    ].map((text) => ({
      documented: 'INVALID_ARGUMENT: gce.self_link: invalid GCE image reference',
      document: `${head}gce: {self_link: "${text}"}\n`,
    })),
    { documented: 'INVALID_ARGUMENT: docker.image_ref is required', document: `${head}docker: {}\n` },
    {
      documented: 'INVALID_ARGUMENT: docker.image_ref: invalid OCI image reference',
      document: `${head}docker: {image_ref: "UPPER case"}\n`,
    },
    { documented: 'INVALID_ARGUMENT: qemu.disk_digest is required', document: `${head}qemu: {}\n` },
    {
      documented: 'INVALID_ARGUMENT: qemu.disk_digest: must match sha256:[0-9a-f]{64}',
      document: `${head}qemu: {disk_digest: "${hash}"}\n`,
    },
    { documented: fromBake, document: `${head}gce:\n  self_link: ${link}\n  provenance: ${provenance}\n` },
    { documented: fromBake, document: `${head}docker: {image_ref: debian, provenance: {}}\n` },
    {
      documented: fromBake,
      attempt: async (catalog) => catalog.set('image', 'go-baked', await catalog.print('image', 'go-baked')),
    },
    { documented: fromBake, attempt: async (catalog) => catalog.patch('image', 'used', { 'gce.provenance': provenance }) },
    { documented: fromBake, attempt: async (catalog) => catalog.patch('image', 'go-baked', { 'gce.provenance.recipe_ref': 'go' }) },
    {
      documented: immutable,
      attempt: async (catalog) => catalog.set('image', 'go-baked', `name: go-baked\narchitecture: AMD64\ngce: {self_link: ${link}}\n`),
    },
    { documented: immutable, attempt: async (catalog) => catalog.set('image', 'go-baked', 'description: not even valid\n') },
    { documented: immutable, attempt: async (catalog) => catalog.patch('image', 'go-baked', { description: 'new' }) },
    { documented: immutable, attempt: async (catalog) => catalog.remove('image', 'go-baked') },
    {
      documented: 'FAILED_PRECONDITION: recipe_ref "X" does not exist',
      message: 'recipe_ref "gone" does not exist',
      attempt: async (catalog) => {
        const value = { diskDigest: `sha256:${hash}`, provenance: { recipeRef: 'gone', imageHash: hash } };
        const image = create(ImageSchema, { name: 'orphan', source: { case: 'qemu', value } });
        await catalog.database.database
          .transaction()
          .execute(async (trx) => writeBakedImage(trx, { tenant: 'local/default', author: 'baker', image }));
      },
    },
    {
      documented: 'FAILED_PRECONDITION: cannot delete image "X": referenced by recipe: Y',
      message: 'cannot delete image "used": referenced by recipe: user',
      attempt: async (catalog) => catalog.remove('image', 'used'),
    },
  ],
});
