import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { connectEngine } from '../packages/server/src/substrates/docker/engine.js';
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

interface BakedImage {
  readonly name: string;
  readonly docker?: { readonly image_ref: string };
}

/** Slow: a Debian is built, and packages come from a mirror. `MURMUR_ENGINE=/run/docker.sock` names the engine and runs it. */
describe.runIf(socket !== undefined)('on a Debian in a container', () => {
  let server: TestServer;
  let made: string | undefined;
  beforeAll(async () => {
    const substrates = { qemu: { enabled: false }, docker: { socket } };
    server = await startServer({ configuration: JSON.stringify({ substrates }) });
    await murmurOk(server, ['base', 'build', '--substrate', 'docker']);
  }, long);
  afterAll(async () => {
    await server.remove();
    // The engine is somebody's, and a catalog that is gone keeps nothing in it.
    if (socket === undefined || made === undefined) return;
    const { docker } = await connectEngine(socket);
    await docker.getImage(made).remove({ force: true });
  });

  it('a toolchain is installed, and answers in a container of the image', { timeout: long }, async () => {
    const base = { base_image_docker_ref: 'murmur-docker-base', provisioning_timeout: '30m' };
    await setDockerRecipe(server, 'python-toolchain', toolchain, base);
    await murmurOk(server, ['bake', '--wait', 'python-toolchain', ...dockerPlace]);
    const images = JSON.parse(await murmurOk(server, ['get', 'image', '-o', 'json'])) as BakedImage[];
    const baked = images.find((image) => image.name.startsWith('python-toolchain-'));
    made = baked?.docker?.image_ref;
    expect(await murmurOk(server, ['try', baked?.name ?? '', ...dockerPlace, '--', 'poetry', '--version'])).toMatch(/^Poetry \(version \d/);
  });
});
