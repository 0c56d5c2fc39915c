import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema, MurmurError, PlacementSchema } from '@murmur/api';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { deriveGuestKeys } from '../guest-keys.js';
import type { LaunchSpec, ResolvedBase, Rights, Token } from '../substrate.js';
import { connectEngine, type Engine } from './engine.js';
import { createDockerSubstrate, type DockerSubstrate } from './index.js';
import { lastError } from './progress.js';
import { openParts, startTestEngine, type TestEngine } from './testing-engine.js';
import { registryLogin, startTestRegistry, type TestRegistry } from './testing-registry.js';

const { signal } = new AbortController();
const place = create(PlacementSchema);
const keys = deriveGuestKeys(randomBytes(64));
const [username = '', password = ''] = registryLogin.split(':');

let world: { engine: TestEngine; docker: Engine['docker']; substrate: DockerSubstrate; open: TestRegistry; locked: TestRegistry };

beforeAll(async () => {
  const engine = await startTestEngine();
  const { docker } = await connectEngine(engine.socket);
  const substrate = await createDockerSubstrate({ ...openParts, socket: engine.socket, dataDir: engine.folder });
  const [open, locked] = [await startTestRegistry(engine, 'open'), await startTestRegistry(engine, 'password')];
  world = { engine, docker, substrate, open, locked };
  await push(`${open.host}/acme/tiny`);
  await push(`${locked.host}/acme/tiny`);
}, 120_000);
afterAll(async () => {
  await world.open[Symbol.asyncDispose]();
  await world.locked[Symbol.asyncDispose]();
  await world.engine[Symbol.asyncDispose]();
});

/** Puts the tiny base into a registry and takes the engine's own copy of that name away again. */
async function push(repo: string, tag = 'v1'): Promise<void> {
  const { docker, engine } = world;
  await docker.getImage(engine.base).tag({ repo, tag });
  const named = docker.getImage(`${repo}:${tag}`);
  const reply = (await named.push({
    tag,
    authconfig: { username, password, serveraddress: repo.split('/')[0] ?? '' },
  })) as NodeJS.ReadableStream;
  expect(await lastError(reply, signal)).toBeUndefined();
  await named.remove();
}

const imageOf = (imageRef: string, pullCredentialSecret = '') =>
  create(ImageSchema, {
    name: 'stock',
    architecture: process.arch === 'arm64' ? Architecture.ARM64 : Architecture.AMD64,
    source: { case: 'docker', value: { imageRef, pullCredentialSecret } },
  });

const holding = (secrets: Record<string, string>): Rights => ({
  mayUse: () => Promise.resolve(false),
  secret: async (name) => {
    const value = secrets[name];
    if (value === undefined) throw new MurmurError('FAILED_PRECONDITION', `secret "${name}" does not exist`);
    return value;
  },
});

const resolve = (imageRef: string, secret = '', secrets: Record<string, string> = {}) =>
  world.substrate.resolveBase(world.substrate.siteOf(place, ''), imageOf(imageRef, secret), holding(secrets), signal);

let last = 0;
async function launched(base: ResolvedBase, secrets: Record<string, string> = {}) {
  const { substrate } = world;
  const site = substrate.siteOf(place, '');
  const spec: LaunchSpec = {
    ...{ owner: { installation: 'registry', tenant: 'local/default', runId: 'run' }, base, site, attempt: 1, vcpus: 1, memoryMb: 64 },
    ...{ machineType: '', diskType: '', diskSizeGb: 0, keys, lifetimeSeconds: 600, secret: (name) => holding(secrets).secret(name) },
  };
  const token = `registry-${++last}-launch` as Token;
  const machine = await substrate.launch(spec, token, signal);
  await using channel = await substrate.channel(machine, keys, signal);
  const { stdout } = await channel.run('cat /etc/passwd | head -1');
  await substrate.destroy(site, token, signal);
  return stdout;
}

const digested = (host: string) => new RegExp(`^${host}/acme/tiny@sha256:[0-9a-f]{64}$`);

test('a tag is pinned to the digest it has now, and what was pinned is launched', async () => {
  const base = await resolve(`${world.open.host}/acme/tiny:v1`);
  expect(base.immutableId).toMatch(digested(world.open.host));
  expect(base.credentialSecret).toBeUndefined();
  expect(await launched(base)).toContain('root');
  expect(await launched(base)).toContain('root');
}, 60_000);

test('a digest is pinned without asking the registry', async () => {
  const { immutableId } = await resolve(`${world.open.host}/acme/tiny:v1`);
  world.open.pause();
  try {
    expect((await resolve(immutableId)).immutableId).toBe(immutableId);
  } finally {
    world.open.resume();
  }
});

describe('a registry with a password', () => {
  const config = (auth: string) => JSON.stringify({ auths: { [world.locked.host]: { auth: Buffer.from(auth).toString('base64') } } });

  test('opens to user:password and to a Docker configuration', async () => {
    const ref = `${world.locked.host}/acme/tiny:v1`;
    for (const value of [registryLogin, `${registryLogin}\n`, config(registryLogin)]) {
      const base = await resolve(ref, 'REGISTRY', { REGISTRY: value });
      expect(base).toMatchObject({
        immutableId: expect.stringMatching(digested(world.locked.host)) as string,
        credentialSecret: 'REGISTRY',
      });
      expect(JSON.stringify(base)).not.toContain(password);
      expect(await launched(base, { REGISTRY: value })).toContain('root');
    }
  }, 60_000);

  test('gives nothing to nobody, nor for a wrong password, and says which registry', async () => {
    const ref = `${world.locked.host}/acme/tiny:v1`;
    const refusal = {
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining(`${world.locked.host} does not give out ${ref}`) as string,
    };
    await expect(resolve(ref)).rejects.toMatchObject(refusal);
    await expect(resolve(ref, 'REGISTRY', { REGISTRY: 'murmur:wrong-word' })).rejects.toMatchObject(refusal);
  });

  test('is asked again for what the engine has already for somebody else', async () => {
    const base = await resolve(`${world.locked.host}/acme/tiny:v1`, 'REGISTRY', { REGISTRY: registryLogin });
    await launched(base, { REGISTRY: registryLogin });
    const stolen = await resolve(base.immutableId);
    await expect(launched(stolen)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    const site = world.substrate.siteOf(place, '');
    await expect(world.substrate.exportImage(site, stolen, signal)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  }, 60_000);

  test('is not asked with what is no credential, which no message shows', async () => {
    const ref = `${world.locked.host}/acme/tiny:v1`;
    for (const value of [
      'pass-word',
      ':pass-word',
      '{"auths": pass-word',
      JSON.stringify({ auths: { 'ghcr.io': { auth: 'cGFzcy13b3Jk' } } }),
    ]) {
      const refused = resolve(ref, 'REGISTRY', { REGISTRY: value });
      await expect(refused).rejects.toMatchObject({
        code: 'FAILED_PRECONDITION',
        message: expect.stringContaining('secret "REGISTRY"') as string,
      });
      await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('pass-word') as string });
    }
  });

  test('is not asked with a secret that does not exist', async () => {
    await expect(resolve(`${world.locked.host}/acme/tiny:v1`, 'ABSENT')).rejects.toMatchObject({
      message: 'secret "ABSENT" does not exist',
    });
  });
});

test('what is not in the registry is no fault of the platform', async () => {
  await expect(resolve(`${world.open.host}/acme/tiny:v2`)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: expect.stringContaining('is not in the registry') as string,
  });
  const absent = `${world.open.host}/acme/tiny@sha256:${'0'.repeat(64)}`;
  await expect(launched(await resolve(absent))).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
}, 60_000);

test('a registry that does not answer is a fault of the platform', async () => {
  await expect(resolve('127.0.0.1:9/acme/tiny:v1')).rejects.toMatchObject({
    name: 'PlatformFault',
    message: expect.stringContaining('127.0.0.1:9') as string,
  });
}, 60_000);

describe('the operator’s own registry', () => {
  const owner = { installation: 'registry', tenant: 'local/default', runId: 'run' };
  const openPushing = (host: string, credential = { username, password, serveraddress: host }) =>
    createDockerSubstrate({
      ...openParts,
      socket: world.engine.socket,
      dataDir: world.engine.folder,
      registry: { repository: `${host}/bakes`, credential },
    });
  const captured = async (substrate: DockerSubstrate, name: string) => {
    const site = substrate.siteOf(place, '');
    const base = { immutableId: world.engine.base, architecture: 'AMD64' as const };
    const spec: LaunchSpec = {
      ...{
        owner,
        base,
        site,
        attempt: 1,
        vcpus: 1,
        memoryMb: 64,
        machineType: '',
        diskType: '',
        diskSizeGb: 0,
        keys,
        lifetimeSeconds: 600,
      },
    };
    const machine = await substrate.launch(spec, `${name}-1-launch` as Token, signal);
    const capture = () => substrate.capture(machine, keys, { name, token: `${name}-1-capture` as Token, owner }, signal);
    try {
      const artifact = await capture();
      // The reply to the first may have been lost.
      expect(await capture()).toEqual(artifact);
      return artifact;
    } finally {
      await substrate.destroy(site, machine.token, signal);
    }
  };
  const manifest = async (ref: string) => {
    const [name = '', digest = ''] = ref.split('@');
    const login = Buffer.from(registryLogin).toString('base64');
    const path = name.slice(name.indexOf('/') + 1);
    const headers = { authorization: `Basic ${login}`, accept: 'application/vnd.docker.distribution.manifest.v2+json' };
    return (await fetch(`http://${world.locked.host}/v2/${path}/manifests/${digest}`, { headers })).status;
  };
  /** The revisions that a registry keeps of what is pushed to it, by its own files. */
  const kept = async ({ folder }: TestRegistry, name: string) =>
    readdir(join(folder, 'data/docker/registry/v2/repositories/bakes', name, '_manifests/revisions/sha256'), { recursive: true });

  test('gets what is captured, which is then known by its digest there, started again when the engine lost it, and removed with it', async () => {
    const substrate = await openPushing(world.locked.host);
    const site = substrate.siteOf(place, '');
    const artifact = await captured(substrate, 'pushed');
    const ref = substrate.imageId(artifact.reference) ?? '';
    expect(ref).toMatch(new RegExp(`^${world.locked.host}/bakes/pushed@sha256:[0-9a-f]{64}$`));
    expect(artifact.source).toMatchObject({ case: 'docker', value: { imageRef: ref } });
    expect(await manifest(ref)).toBe(200);
    await substrate.keepImage(site, artifact.reference, signal);

    const theirs: Rights = { ...holding({}), mayUse: async (id) => id === ref };
    const base = await substrate.resolveBase(site, imageOf(ref), theirs, signal);
    await expect(substrate.resolveBase(site, imageOf(ref), holding({}), signal)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    for (const name of ['pushed', `${world.locked.host}/bakes/pushed:latest`]) await world.docker.getImage(name).remove();
    const token = 'pushed-2-launch' as Token;
    await substrate.launch(
      {
        ...{ owner, base, site, attempt: 1, vcpus: 1, memoryMb: 64, machineType: '', diskType: '' },
        diskSizeGb: 0,
        keys,
        lifetimeSeconds: 600,
      },
      token,
      signal,
    );
    await substrate.destroy(site, token, signal);

    await substrate.discardImage(site, artifact.reference, signal);
    await substrate.discardImage(site, artifact.reference, signal);
    expect(await manifest(ref)).toBe(404);
  }, 60_000);

  test('that wants a token of its own service for each call gets one', async () => {
    await using registry = await startTestRegistry(world.engine, 'token');
    const substrate = await openPushing(registry.host);
    const site = substrate.siteOf(place, '');
    const artifact = await captured(substrate, 'by-token');
    expect(await kept(registry, 'by-token')).toContainEqual(expect.stringMatching(/link$/));
    const robbed = await openPushing(registry.host, { username, password: 'wrong-word', serveraddress: registry.host });
    await robbed.discardImage(site, artifact.reference, signal);
    expect(await kept(registry, 'by-token')).toContainEqual(expect.stringMatching(/link$/));
    await substrate.discardImage(site, artifact.reference, signal);
    expect(await kept(registry, 'by-token')).not.toContainEqual(expect.stringMatching(/link$/));
  }, 120_000);

  test('that refuses an image is a fault of the platform', async () => {
    const substrate = await openPushing(world.locked.host, { username, password: 'wrong-word', serveraddress: world.locked.host });
    await expect(captured(substrate, 'refused')).rejects.toMatchObject({
      name: 'PlatformFault',
      message: expect.stringContaining(`was not pushed to ${world.locked.host}/bakes`) as string,
    });
  }, 60_000);
});
