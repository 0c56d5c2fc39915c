import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { logHas, type Run, runEnded, runWhen, setRecipe } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { refusal } from './harness/refusals.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';

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

const cloud = [
  ['environment', 'staging', 'name: staging\nsubstrate: GCP\nmachine_type_ref: n2-standard-8\ndisk_type_ref: pd-ssd\ndisk_size_gb: 50\n'],
  ['placement', 'us-central1', 'name: us-central1\nsubstrate: GCP\ngcp: {project: acme-agents, zones: [us-central1-a, us-central1-b]}\n'],
] as const;

const immutable = 'FAILED_PRECONDITION: baked images are immutable';

describe('a session with the catalog', () => {
  let server: TestServer;
  const ok = (args: readonly string[], stdin?: string): Promise<string> => murmurOk(server, args, stdin === undefined ? {} : { stdin });
  const faultOf = async (args: readonly string[], stdin?: string): Promise<string> => {
    const { code, faults } = await refusal(server, args, stdin === undefined ? {} : { stdin });
    expect(code).toBe(1);
    return faults.join('\n');
  };
  const generations = async (kind: string, name: string): Promise<{ generation: number; removed: boolean; author: string }[]> =>
    JSON.parse(await ok(['history', kind, name, '-o', 'json'])) as { generation: number; removed: boolean; author: string }[];

  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.remove());

  it('takes the documented recipes as they stand, lists them as documented, and bakes them where it can', async () => {
    for (const [kind, name, document] of cloud) expect(await ok(['set', kind, name], document)).toBe(`Set ${kind} "${name}"\n`);
    expect(await ok(['set', 'recipe', 'python-toolchain'], pythonToolchain)).toBe('Set recipe "python-toolchain"\n');
    await ok(['set', 'recipe', 'private-deps'], privateDeps);
    // There is no AMI to invent: this one needs the base image that only an operator can name.
    expect(await faultOf(['set', 'recipe', 'go-service'], goService)).toBe(
      'INVALID_ARGUMENT: base_image_aws_ref "murmur-aws-base" does not exist',
    );

    expect(await ok(['get', 'recipe'])).toBe(
      [
        'NAME               DESCRIPTION',
        'python-toolchain   Python 3.12 with Poetry and Ruff',
        'private-deps       Installs private npm packages',
        '',
      ].join('\n'),
    );
    for (const recipe of ['python-toolchain', 'private-deps']) {
      expect(await faultOf(['bake', recipe, 'staging', 'us-central1'])).toBe(
        'FAILED_PRECONDITION: substrate SUBSTRATE_GCP is not available on this server',
      );
    }
  });

  it('prints what set accepts unchanged, in YAML and in JSON', async () => {
    const everything = [
      ['recipe', 'python-toolchain'],
      ['environment', 'staging'],
      ['placement', 'us-central1'],
    ] as const;
    const roundTrip = async ([kind, name]: readonly [string, string]): Promise<void> => {
      const [plain, yaml, json] = await Promise.all([[], ['-o', 'yaml'], ['-o', 'json']].map((form) => ok(['get', kind, name, ...form])));
      expect(yaml).toBe(`kind: ${kind}\n${plain ?? ''}generation: 1\n`);
      expect(await ok(['set', kind, name, '-o', 'yaml'], json)).toBe(yaml);
      expect(await ok(['set', kind, name, '-o', 'json'], yaml)).toBe(json);
      expect(await ok(['set', kind, name, '-o', 'json'], plain)).toBe(json);
      expect(await generations(kind, name)).toHaveLength(1);
    };
    await Promise.all(everything.map(roundTrip));
  });

  it('remembers every generation, and goes back to one', async () => {
    const first = await ok(['get', 'recipe', 'python-toolchain']);
    expect(await ok(['patch', 'recipe', 'python-toolchain', '--set', 'provisioning_timeout=20m', '--set', 'description=New'])).toBe(
      'Patched recipe "python-toolchain"\n',
    );
    expect(JSON.parse(await ok(['get', 'recipe', 'python-toolchain', '-o', 'json']))).toMatchObject({
      description: 'New',
      provisioning_timeout: '20m',
      base_image_gce_ref: 'murmur-gce-base',
    });
    const earlier = await ok(['get', 'recipe', 'python-toolchain', '--generation', '1']);
    expect(earlier).toBe(first);
    await ok(['set', 'recipe', 'python-toolchain'], earlier);
    expect(await ok(['get', 'recipe', 'python-toolchain'])).toBe(first);
    expect(await ok(['rm', 'recipe', 'python-toolchain'])).toBe('Deleted recipe "python-toolchain"\n');
    expect(await faultOf(['get', 'recipe', 'python-toolchain'])).toBe('NOT_FOUND: recipe "python-toolchain" not found');
    expect((await generations('recipe', 'python-toolchain')).map(({ generation, removed }) => [generation, removed])).toEqual([
      [4, true],
      [3, false],
      [2, false],
      [1, false],
    ]);
    const [header, newest] = (await ok(['history', 'recipe', 'python-toolchain'])).split('\n');
    expect(header).toMatch(/^GENERATION {3}CHANGE {4}AUTHOR +TIME$/);
    expect(newest).toMatch(/^4 +deleted /);
  });

  it('explains every kind', async () => {
    const kinds = (await ok(['describe'])).split('\n').map((line) => line.split(' ')[0]);
    const catalog = ['recipe', 'image', 'environment', 'placement', 'machine-type', 'disk-type', 'workspace'];
    const access = ['secret', 'service-profile', 'role', 'group', 'tenant-binding'];
    expect(kinds).toEqual(expect.arrayContaining([...catalog, ...access]));
    const recipe = await ok(['describe', 'recipe']);
    expect(recipe).toContain('provisioning_timeout exceeds 1h maximum');
    expect(recipe).toContain('secret_allowlist');
  });

  it('lists the builtins, and lets nobody write them', async () => {
    const [header, ...rows] = (await ok(['get', 'environment'])).trimEnd().split('\n');
    expect(header?.split(/ {3,}/)).toEqual(['NAME', 'SUBSTRATE', 'MACHINE TYPE REF', 'DISK SIZE GB', 'DESCRIPTION']);
    expect(rows.find((line) => line.startsWith('murmur-qemu-small '))).toMatch(/SUBSTRATE_QEMU +murmur-qemu-small/);
    const printed = await ok(['get', 'environment', 'murmur-qemu-small']);
    const faults = await Promise.all([
      faultOf(['set', 'environment', 'murmur-qemu-small'], printed),
      faultOf(['patch', 'machine-type', 'murmur-e2-medium', '--set', 'vcpus=64']),
      faultOf(['rm', 'placement', 'murmur-qemu-local']),
      faultOf(['set', 'recipe', 'murmur-mine'], privateDeps.replace('private-deps', 'murmur-mine')),
    ]);
    expect(faults).toEqual(
      ['murmur-qemu-small', 'murmur-e2-medium', 'murmur-qemu-local', 'murmur-mine'].map(
        (name) => `PERMISSION_DENIED: "${name}" is a platform builtin and cannot be modified`,
      ),
    );
    expect(await ok(['get', 'environment', 'murmur-qemu-small'])).toBe(printed);
  });

  describe('with bakes', () => {
    const place = ['own', 'murmur-qemu-local'] as const;
    let image = '';
    let running: Run;

    beforeAll(async () => {
      await setTinyImage(server);
      await ok(['set', 'environment', 'own'], 'name: own\nsubstrate: SUBSTRATE_QEMU\nmachine_type_ref: murmur-qemu-small\n');
      await setRecipe(server, 'hello', '#!/bin/sh\ntrue\n');
      await setRecipe(server, 'slow', '#!/bin/sh\necho begun\nsleep 600\n');
      const started = await ok(['bake', 'hello', ...place]);
      await ok(['bake', 'slow', ...place]);
      image = /--set image_ref=(\S+)\n$/.exec(started)?.[1] ?? '';
      expect(await runEnded(server, 'hello')).toMatchObject({ phase: 'completed', image_name: image });
      running = await runWhen(server, 'slow', 'in its script', ({ phase }) => phase === 'provisioning');
      await logHas(server, running.run_id, 'begun');
    });

    it('pins a workspace to the image as the answer of bake says', async () => {
      await ok(
        ['set', 'workspace', 'app'],
        'name: app\nimage_ref: tiny\nenvironment_ref: own\nplacement: murmur-qemu-local\nrepos: [{clone_url: "https://github.com/acme/app.git", base_branch: main, conflict_resolution: REBASE}]\n',
      );
      expect(await ok(['patch', 'workspace', 'app', '--set', `image_ref=${image}`])).toBe('Patched workspace "app"\n');
      expect(JSON.parse(await ok(['get', 'workspace', 'app', '-o', 'json']))).toMatchObject({
        image_ref: image,
        repos: [{ clone_url: 'https://github.com/acme/app', conflict_resolution: 'CONFLICT_RESOLUTION_REBASE' }],
      });
      expect(await faultOf(['patch', 'workspace', 'app', '--set', 'image_ref=nothing'])).toBe(
        'FAILED_PRECONDITION: image_ref "nothing" does not exist',
      );
      expect(await faultOf(['patch', 'workspace', 'app', '--set', 'no_such.field=1'])).toBe(
        'INVALID_ARGUMENT: unknown field path "no_such.field" in update mask',
      );
    });

    it('shows the image with what produced it, and lets nobody change it', async () => {
      const document = JSON.parse(await ok(['get', 'image', image, '-o', 'json'])) as {
        qemu: { disk_digest: string; provenance: unknown };
      };
      const [, hash16] = /^hello-([0-9a-f]{16})$/.exec(image) ?? [];
      expect(document).toEqual({
        kind: 'image',
        generation: 1,
        name: image,
        architecture: 'ARCHITECTURE_AMD64',
        qemu: {
          disk_digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
          provenance: { recipe_ref: 'hello', image_hash: expect.stringMatching(new RegExp(`^${hash16 ?? 'no hash'}[0-9a-f]{48}$`)) },
        },
      });
      const [first] = (await refusal(server, ['set', 'image', image], { stdin: JSON.stringify(document) })).faults;
      expect(first).toBe('INVALID_ARGUMENT: provenance cannot be set via SetResource');
      const { provenance: _provenance, ...qemu } = document.qemu;
      const faults = await Promise.all([
        faultOf(['set', 'image', image], JSON.stringify({ ...document, qemu })),
        faultOf(['patch', 'image', image, '--set', 'description=mine']),
        faultOf(['rm', 'image', image]),
        faultOf(['rm', 'recipe', 'hello']),
      ]);
      const referenced = `FAILED_PRECONDITION: cannot delete recipe "hello": referenced by image: ${image}`;
      expect(faults).toEqual([immutable, immutable, immutable, referenced]);
      expect(JSON.parse(await ok(['get', 'image', image, '-o', 'json']))).toEqual(document);
    });

    it('keeps what a running bake uses, and lets it go afterwards', async () => {
      const run = running.run_id;
      expect(await faultOf(['rm', 'recipe', 'slow'])).toBe(`FAILED_PRECONDITION: cannot delete recipe "slow": referenced by bake: ${run}`);
      expect(await faultOf(['rm', 'environment', 'own'])).toBe(
        `FAILED_PRECONDITION: cannot delete environment "own": referenced by bake: ${run}; workspace: app`,
      );
      expect(await faultOf(['rm', 'image', 'tiny'])).toBe(
        `FAILED_PRECONDITION: cannot delete image "tiny": referenced by bake: ${run}; recipe: hello, slow`,
      );
      await ok(['bakes', 'cancel', run]);
      expect(await runEnded(server, 'slow')).toMatchObject({ phase: 'cancelled' });
      await ok(['rm', 'workspace', 'app']);
      await ok(['rm', 'environment', 'own']);
      await ok(['rm', 'recipe', 'slow']);
      expect((await murmur(server, ['bakes', 'show', run])).stdout).toContain('cancelled');
    });
  });
});
