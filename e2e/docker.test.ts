import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { connectEngine, type Engine } from '../packages/server/src/substrates/docker/engine.js';
import { lastError } from '../packages/server/src/substrates/docker/progress.js';
import { registryLogin, startTestRegistry } from '../packages/server/src/substrates/docker/testing-registry.js';
import { runOnHost } from '../packages/server/src/substrates/host-command.js';
import { logHas, runEnded, runsOf } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { type DockerKitchen, dockerPlace, setDockerImage, setDockerRecipe, startDockerKitchen } from './harness/docker.js';
import { filesSpelling, spelledIn, spellingsOf } from './harness/spellings.js';

const { signal } = new AbortController();
const token = 'tok/3n+of=the e2e&test?Zq9~';
const listed = 'allow-listed:Value%42"quoted"';
const [username = '', password = ''] = registryLogin.split(':');

/** The script's file, and nothing else. */
const madeByBake = ['marker'];

const waiting = `#!/bin/sh
(sleep 0 &)
echo kept >/marker
echo waiting
while [ ! -e /go ]; do sleep 0.1; done
rm /go
`;

describe('a bake on Docker', () => {
  let kitchen: DockerKitchen;
  let docker: Engine['docker'];
  beforeAll(async () => {
    kitchen = await startDockerKitchen();
    docker = (await connectEngine(kitchen.engine.socket)).docker;
  });
  afterAll(() => kitchen[Symbol.asyncDispose]());

  const containers = () => docker.listContainers({ all: true });
  const release = async () => {
    const [running] = await docker.listContainers();
    const exec = await docker.getContainer(running?.Id ?? '').exec({ Cmd: ['touch', '/go'], User: '0' });
    await exec.start({ Detach: true });
  };
  const everything = async (stream: NodeJS.ReadableStream): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(Buffer.from(chunk as Buffer));
    return Buffer.concat(chunks);
  };

  it('leaves no byte of what it was given, and nothing of ours, in any layer, configuration, history, log or inspect output', async () => {
    const { engine, server } = kitchen;
    await using registry = await startTestRegistry(engine, 'password');
    await docker.getImage(engine.base).tag({ repo: `${registry.host}/tiny`, tag: 'v1' });
    const pushed = docker.getImage(`${registry.host}/tiny:v1`);
    const authconfig = { username, password, serveraddress: registry.host };
    expect(await lastError((await pushed.push({ tag: 'v1', authconfig })) as NodeJS.ReadableStream, signal)).toBeUndefined();
    await pushed.remove();

    await setDockerImage(server, 'stock', { image_ref: `${registry.host}/tiny:v1`, pull_credential_secret: 'REGISTRY' });
    await setDockerRecipe(server, 'secretive', `${waiting}[ -n "$TOKEN" ] && [ -n "$LISTED" ] && echo saw both\n`, {
      base_image_docker_ref: 'stock',
      secret_allowlist: ['LISTED'],
    });
    const args = ['bake', '-e', 'TOKEN', '-e', 'LISTED', 'secretive', ...dockerPlace];
    const env = { TOKEN: token, LISTED: listed };
    const absent = await murmur(server, args, { env });
    expect(absent.stderr).toContain('murmur: FAILED_PRECONDITION: secret "REGISTRY" does not exist');
    await murmurOk(server, ['secret', 'set', 'REGISTRY'], { stdin: registryLogin });
    const started = await murmur(server, args, { env });
    expect(started.code, started.stderr).toBe(0);

    const spellings = spellingsOf([token, listed, registryLogin, password]);
    const [run] = await runsOf(server, 'secretive');
    await logHas(server, run?.run_id ?? '', 'waiting\n');
    const [scratch] = await containers();
    const container = docker.getContainer(scratch?.Id ?? '');
    // The first process takes in what has ended without a parent.
    await expect.poll(async () => JSON.stringify(await container.top()), { timeout: 60_000 }).not.toContain('<defunct>');
    const shown: unknown[] = [await container.inspect(), scratch, await docker.info()];
    await release();
    const { image_name: name, phase } = await runEnded(server, 'secretive');
    expect(phase).toBe('completed');

    const document = JSON.parse(await murmurOk(server, ['get', 'image', name, '-o', 'json'])) as { docker: { image_ref: string } };
    const image = docker.getImage(document.docker.image_ref);
    const config = await image.inspect();
    shown.push(config, await image.history(), await docker.listImages({ all: true }));
    expect(spelledIn(Buffer.from(JSON.stringify(shown)), spellings)).toEqual([]);
    expect(spelledIn(await everything(await image.get()), spellings)).toEqual([]);
    expect(spelledIn(Buffer.from(await server.log()), spellings)).toEqual([]);
    // All that the engine keeps, wherever it keeps it.
    expect(await filesSpelling(engine.dataRoot, spellings, 20)).toEqual([]);

    const base = await docker.getImage(engine.base).inspect();
    for (const part of ['Entrypoint', 'Cmd', 'User', 'Env', 'WorkingDir'] as const) {
      expect(config.Config[part] ?? [], part).toEqual(base.Config[part] ?? []);
    }
    expect(Object.keys(config.Config.Labels ?? {}).filter((label) => !/^murmur(?:\.|$)/.test(label))).toEqual([]);
    const layer = config.RootFS.Layers ?? [];
    expect(layer.slice(0, -1)).toEqual(base.RootFS.Layers);
    const file = join(server.dataDir, 'secretive.tar');
    await murmurOk(server, ['image', 'export', name, file]);
    expect((await pathsIn(file, layer.at(-1) ?? '')).toSorted()).toEqual(madeByBake);
    expect(await containers()).toEqual([]);
  });
});

/** The paths in a layer of an exported archive, without the leading `./`. */
async function pathsIn(file: string, digest: string): Promise<readonly string[]> {
  const blob = `blobs/${digest.replace(':', '/')}`;
  await runOnHost('tar', ['-xf', file, '-C', dirname(file), blob]);
  const listed = await runOnHost('tar', ['-tf', join(dirname(file), blob)]);
  return listed.split('\n').flatMap((path) => (path === '' ? [] : [path.replace(/^\.\//, '')]));
}
