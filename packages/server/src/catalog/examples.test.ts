import { readFile } from 'node:fs/promises';

import { ApplyResult_Outcome } from '@murmur/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type TestCatalog, refused, testCatalog } from './testing.js';
import { applyResources } from './verbs/apply.js';

const pythonToolchain = `name: python-toolchain
base_image_gce_ref: murmur-gce-base
provisioning_script: |
  #!/bin/bash
  set -euo pipefail
  apt-get update -y
  apt-get install -y python3.12 python3.12-venv python3-pip
  pip3 install poetry==1.8.3 ruff==0.4.8
  python3.12 --version
  poetry --version
provisioning_timeout: "15m"
description: "Python 3.12 with Poetry and Ruff"
`;

const goService = `name: go-service
base_image_aws_ref: murmur-aws-base
base_image_gce_ref: murmur-gce-base
provisioning_script: |
  #!/bin/bash
  set -euo pipefail
  curl -fsSL https://go.dev/dl/go1.22.4.linux-amd64.tar.gz | tar -C /usr/local -xz
  export PATH=$PATH:/usr/local/go/bin
  go install golang.org/x/tools/gopls@latest
  go version
provisioning_timeout: "20m"
secret_allowlist:
  - GITHUB_TOKEN
  - NPM_TOKEN
description: "Go 1.22 with gopls, cross-substrate"
`;

const privateDeps = `name: private-deps
base_image_gce_ref: murmur-gce-base
provisioning_script: |
  #!/bin/bash
  set -euo pipefail
  echo "//npm.pkg.github.com/:_authToken=\${NPM_TOKEN}" >> ~/.npmrc
  npm install -g @acme/internal-cli@latest
provisioning_timeout: "10m"
secret_allowlist:
  - NPM_TOKEN
description: "Installs private npm packages"
`;

const debian12Base = `name: debian12-base
description: "Stock Debian 12 with our internal SDK"
architecture: ARCHITECTURE_AMD64
gce:
  self_link: "projects/acme-agents/global/images/family/debian-12-sdk"
`;

const ubuntu22Ml = `name: ubuntu22-ml
description: "Ubuntu 22.04 with CUDA and PyTorch"
architecture: ARCHITECTURE_AMD64
aws:
  ami_ids:
    us-east-1: "ami-0abc123def456789a"
    us-west-2: "ami-0def456789abc1234"
`;

const node20Dev = `name: node20-dev
description: "Node.js 20 development container"
architecture: ARCHITECTURE_AMD64
docker:
  image_ref: "ghcr.io/acme/node20-dev:latest"
`;

const bakedImage = `name: go-python-a1b2c3d4e5f67890
architecture: ARCHITECTURE_AMD64
gce:
  self_link: "projects/acme-agents/global/images/go-python-a1b2c3d4e5f67890"
  provenance:
    recipe_ref: go-python
    image_hash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
`;

describe("the product pages' own examples", () => {
  let catalog: TestCatalog;
  beforeAll(async () => {
    catalog = await testCatalog();
  });
  afterAll(() => catalog.close());

  test.each([
    ['recipe', 'python-toolchain', pythonToolchain],
    ['recipe', 'go-service', goService],
    ['recipe', 'private-deps', privateDeps],
    ['image', 'debian12-base', debian12Base],
    ['image', 'ubuntu22-ml', ubuntu22Ml],
    ['image', 'node20-dev', node20Dev],
  ])('%s %s is accepted as it stands and printed the same, but for the quotes YAML does not need', async (kind, name, document) => {
    await catalog.set(kind, name, document);
    const unquoted = document.replaceAll(/^( *[\w-]+: )"(.*)"$/gm, '$1$2');
    const printed = await catalog.print(kind, name);
    expect(lines(printed)).toEqual(lines(unquoted));
    expect((await catalog.set(kind, name, printed)).changed).toBe(false);
  });

  test('a baked image as shown cannot be written by hand', async () => {
    expect(await refused(catalog.set('image', 'go-python-a1b2c3d4e5f67890', bakedImage))).toBe(
      'INVALID_ARGUMENT: provenance cannot be set via SetResource',
    );
  });
});

test("the repository's example of who may do what is applied, and applied again it changes nothing", async () => {
  const catalog = await testCatalog();
  const text = await readFile(new URL('../../../../examples/team.yaml', import.meta.url), 'utf8');
  const documents = text.split(/^---$/m).map((part) => ({ text: part, origin: 'team.yaml', line: 1 }));
  const outcomes = async () => (await applyResources(catalog.context, { documents, dryRun: false })).results.map(({ outcome }) => outcome);
  expect(new Set(await outcomes())).toEqual(new Set([ApplyResult_Outcome.CREATED]));
  expect(new Set(await outcomes())).toEqual(new Set([ApplyResult_Outcome.UNCHANGED]));
  await catalog.close();
});

function lines(text: string): string[] {
  return text.split('\n');
}
