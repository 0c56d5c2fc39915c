import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { murmurOk } from './harness/cli.js';
import { dockerPlace, setDockerRecipe } from './harness/docker.js';
import { startServer, type TestServer } from './harness/server.js';

const long = 1_800_000;

/** Whatever asks Debian for packages needs an engine whose containers reach a mirror, which the tests' own engines do not. */
const socket = process.env['MURMUR_ENGINE'];

/** The example of a Python toolchain, as far as Debian 12 has it: its own Python, and Poetry as a package. */
const toolchain = `#!/bin/bash
set -euo pipefail
apt-get update -y
apt-get install -y python3 python3-venv python3-poetry
python3 --version
poetry --version
`;

/** Slow: a Debian is built, and packages come from a mirror. `MURMUR_ENGINE=/run/docker.sock` names the engine and runs it. */
describe.runIf(socket !== undefined)('on a Debian in a container', () => {
  let server: TestServer;
  beforeAll(async () => {
    const substrates = { qemu: { enabled: false }, docker: { socket } };
    server = await startServer({ configuration: JSON.stringify({ substrates }) });
    await murmurOk(server, ['base', 'build', '--substrate', 'docker']);
  }, long);
  afterAll(() => server.remove());

  it('a toolchain is installed, and answers in a container of the image', { timeout: long }, async () => {
    const base = { base_image_docker_ref: 'murmur-docker-base', provisioning_timeout: '30m' };
    await setDockerRecipe(server, 'python-toolchain', toolchain, base);
    await murmurOk(server, ['bake', '--wait', 'python-toolchain', ...dockerPlace]);
    const images = JSON.parse(await murmurOk(server, ['get', 'image', '-o', 'json'])) as { readonly name: string }[];
    const name = images.find((image) => image.name.startsWith('python-toolchain-'))?.name ?? '';
    expect(await murmurOk(server, ['try', name, ...dockerPlace, '--', 'poetry', '--version'])).toMatch(/^Poetry \(version \d/);
    await murmurOk(server, ['rm', 'image', name]);
  });
});
