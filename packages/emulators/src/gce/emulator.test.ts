import { createSign, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { connectSsh, deriveGuestKeys } from '@murmur/server/testing-machines';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { startEmulator, type Emulator } from './emulator.js';
import { defaultSettings } from './settings.js';
import { faultsOf } from './testing-discovery.js';

const keys = deriveGuestKeys(randomBytes(64));
const zone = 'us-central1-a';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const cloudScope = 'https://www.googleapis.com/auth/cloud-platform';
let folder: string;
let emulator: Emulator;
let last = 0;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gce-'));
  emulator = await startEmulator({ listen: { host: '127.0.0.1', port: 0 }, dataDir: folder });
});
afterAll(async () => {
  await emulator[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  emulator.faults.replace([]);
  Object.assign(emulator.settings, defaultSettings());
});

type Json = Record<string, unknown>;

async function send(
  method: string,
  url: string,
  body?: Json,
  token = emulator.description.token,
): Promise<{ status: number; content: Json }> {
  const response = await fetch(emulator.description.endpoint + url, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, content: (await response.json()) as Json };
}

const compute = (method: string, below: string, body?: Json, token?: string) =>
  send(method, `/compute/v1/projects/${emulator.description.project}/${below}`, body, token);
const reasonOf = ({ content }: { content: Json }) => (content['error'] as { errors: { reason: string }[] }).errors[0]?.reason;
const codesOf = (operation: Json) => (operation['error'] as { errors: { code: string }[] } | undefined)?.errors.map(({ code }) => code);
const nextName = () => `machine-${++last}`;

async function done(answer: { content: Json }): Promise<Json> {
  const { content } = answer;
  const scope =
    content['zone'] === undefined
      ? 'global'
      : `zones/${String(content['zone'] as string)
          .split('/')
          .at(-1)}`;
  for (
    let operation = content;
    ;
    operation = (await compute('POST', `${scope}/operations/${String(content['name'] as string)}/wait`)).content
  ) {
    if (operation['status'] === 'DONE') return operation;
  }
}

function machine(name: string, changes: Json = {}): Json {
  return {
    name,
    machineType: `zones/${zone}/machineTypes/e2-medium`,
    labels: { purpose: 'test' },
    disks: [
      { boot: true, autoDelete: true, initializeParams: { sourceImage: emulator.description.base_image, labels: { purpose: 'test' } } },
    ],
    networkInterfaces: [{ network: 'global/networks/default' }],
    metadata: {
      items: [
        { key: 'ssh-keys', value: `murmur-bake:${keys.clientPublic} key` },
        { key: 'enable-guest-attributes', value: 'TRUE' },
        { key: 'startup-script', value: '#!/bin/sh\necho started >/tmp/startup\n' },
      ],
    },
    scheduling: { maxRunDuration: { seconds: '600' }, instanceTerminationAction: 'DELETE' },
    ...changes,
  };
}

const insert = (body: Json, query = '') => compute('POST', `zones/${zone}/instances${query}`, body);
const look = async (name: string) => (await compute('GET', `zones/${zone}/instances/${name}`)).content;
const remove = async (name: string) => done(await compute('DELETE', `zones/${zone}/instances/${name}`));

async function enter(name: string, username: string) {
  const instance = await look(name);
  const [{ networkIP: host } = { networkIP: '' }] = instance['networkInterfaces'] as { networkIP: string }[];
  const attributes = () => compute('GET', `zones/${zone}/instances/${name}/getGuestAttributes?queryPath=hostkeys/`);
  await expect.poll(async () => (await attributes()).status, { timeout: 120_000 }).toBe(200);
  const { queryValue } = (await attributes()).content as { queryValue: { items: { key: string; value: string }[] } };
  const hostPublic = queryValue.items.map(({ key, value }) => `${key} ${value}`)[0] ?? '';
  const { signal } = new AbortController();
  const login = () => connectSsh({ host, port: 22, username, keys: { ...keys, hostPublic }, signal });
  for (const limit = Date.now() + 120_000; ;) {
    try {
      return await login();
    } catch (error) {
      if (Date.now() > limit || String(error).includes('refuses')) throw error;
    }
  }
}

test(
  'a machine lets a user of its metadata in who may become root, becomes an image when it is stopped, and the image boots',
  { timeout: 300_000 },
  async () => {
    const name = nextName();
    expect(codesOf(await done(await insert(machine(name))))).toBeUndefined();
    {
      await using guest = await enter(name, 'murmur-bake');
      expect((await guest.run("id -u; echo \"it's\"; sudo -n -- sh -c 'id -u; echo kept >/marker; sync'")).stdout).toBe("1000\nit's\n0\n");
      await expect.poll(async () => (await guest.run('cat /tmp/startup')).stdout, { timeout: 60_000 }).toBe('started\n');
    }
    await expect(enter(name, 'root')).rejects.toThrow('refuses');
    const disk = (await compute('GET', `zones/${zone}/disks/${name}`)).content;
    const base = (await send('GET', `/compute/v1/${emulator.description.base_image}`)).content;
    expect(disk['sourceImageId']).toBe(base['id']);

    const image = { name: `${name}-image`, sourceDisk: `zones/${zone}/disks/${name}`, labels: { purpose: 'test' } };
    expect(reasonOf(await compute('POST', 'global/images', image))).toBe('resourceInUseByAnotherResource');
    await done(await compute('POST', `zones/${zone}/instances/${name}/stop`));
    const stopped = await look(name);
    expect([stopped['status'], stopped['resourceStatus']]).toEqual(['TERMINATED', undefined]);
    emulator.settings.imagePendingMs = 600_000;
    const making = await compute('POST', 'global/images', image);
    expect((await compute('GET', `global/images/${name}-image`)).content['status']).toBe('PENDING');
    const early = await insert(
      machine(nextName(), { disks: [{ boot: true, initializeParams: { sourceImage: `global/images/${name}-image` } }] }),
    );
    expect(reasonOf(early)).toBe('resourceNotReady');
    expect(codesOf(await remove(name))).toEqual(['RESOURCE_IN_USE_BY_ANOTHER_RESOURCE']);
    await expect
      .poll(() => (emulator.clock.advance(600_000), emulator.world.images.get(`emulated-project/${name}-image`)?.status), {
        timeout: 60_000,
      })
      .toBe('READY');
    await done(making);
    await remove(name);
    expect((await compute('GET', `zones/${zone}/disks/${name}`)).status).toBe(404);

    const second = nextName();
    const disks = [{ boot: true, autoDelete: true, initializeParams: { sourceImage: `global/images/${name}-image` } }];
    await done(await insert(machine(second, { disks })));
    await using guest = await enter(second, 'murmur-bake');
    expect((await guest.run('cat /marker')).stdout).toBe('kept\n');
    await remove(second);
    await done(await compute('DELETE', `global/images/${name}-image`));
  },
);

test('a request with the same id is the same one, and an id for two requests, a zero one and a taken name are refused', async () => {
  emulator.settings.operationMs = 600_000;
  const [name, id] = [nextName(), randomUUID()];
  const [first, second] = [await insert(machine(name), `?requestId=${id}`), await insert(machine(name), `?requestId=${id}`)];
  expect(second.content['id']).toBe(first.content['id']);
  expect(reasonOf(await insert(machine(nextName()), `?requestId=${id}`))).toBe('invalid');
  expect(reasonOf(await insert(machine(nextName()), '?requestId=00000000-0000-0000-0000-000000000000'))).toBe('invalid');
  const again = await insert(machine(name), `?requestId=${randomUUID()}`);
  expect([again.status, reasonOf(again)]).toEqual([409, 'alreadyExists']);
  emulator.settings.operationMs = 0;
  await remove(name);
});

test.each(['ZONE_RESOURCE_POOL_EXHAUSTED', 'ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS'])(
  'a zone without room says %s in an operation that was accepted, and nothing stays there',
  async (fullCode) => {
    Object.assign(emulator.settings, { fullZones: [zone], fullCode });
    const name = nextName();
    const accepted = await insert(machine(name));
    expect(accepted.status).toBe(200);
    const operation = await done(accepted);
    expect(codesOf(operation)).toEqual([fullCode]);
    expect(JSON.stringify(operation)).toContain('us-central1-b,us-central1-c');
    expect((await look(name))['error']).toBeDefined();
    expect((await compute('GET', `zones/${zone}/disks/${name}`)).status).toBe(404);
  },
);

test('a quota and an operation that fails late are said in the operation', async () => {
  emulator.settings.cpuQuota = 1;
  expect(codesOf(await done(await insert(machine(nextName()))))).toEqual(['QUOTA_EXCEEDED']);
  Object.assign(emulator.settings, {
    cpuQuota: 64,
    failOperations: [{ call: 'instances.insert', code: 'RESOURCE_OPERATION_RATE_EXCEEDED', times: 1 }],
  });
  const name = nextName();
  expect(codesOf(await done(await insert(machine(name))))).toEqual(['RESOURCE_OPERATION_RATE_EXCEEDED']);
  await remove(name);
});

test('a machine goes by itself at its limit, which a stop clears', async () => {
  const [ending, staying] = [nextName(), nextName()];
  for (const name of [ending, staying]) await done(await insert(machine(name)));
  expect(JSON.stringify((await look(ending))['resourceStatus'])).toContain('terminationTimestamp');
  const other = emulator.world.instances.get(`${zone}/${staying}`);
  const stopping = compute('POST', `zones/${zone}/instances/${staying}/stop`);
  await expect.poll(() => (other?.machine?.kill(), other?.status), { timeout: 60_000 }).toBe('TERMINATED');
  await done(await stopping);
  emulator.clock.advance(600_000);
  await expect.poll(async () => (await compute('GET', `zones/${zone}/instances/${ending}`)).status, { timeout: 60_000 }).toBe(404);
  expect((await look(staying))['status']).toBe('TERMINATED');
  await remove(staying);
  const short = machine(nextName(), { scheduling: { maxRunDuration: { seconds: '29' }, instanceTerminationAction: 'DELETE' } });
  expect(reasonOf(await insert(short))).toBe('invalid');
});

test('a list over all zones says of each that it has something, nothing, or could not be reached', async () => {
  emulator.settings.operationMs = 600_000;
  const name = nextName();
  await insert(machine(name));
  emulator.settings.unreachableZones = ['us-central1-b'];
  const { items, unreachables } = (await compute('GET', 'aggregated/instances?filter=labels.purpose%3Dtest')).content as {
    items: Record<string, { instances?: { name: string }[]; warning?: { code: string } }>;
    unreachables: string[];
  };
  expect(Object.values(items).map(({ instances, warning }) => instances?.map((one) => one.name) ?? warning?.code)).toEqual([
    [name],
    'UNREACHABLE',
    'NO_RESULTS_ON_PAGE',
  ]);
  expect(unreachables).toHaveLength(1);
  emulator.settings.operationMs = 0;
  await remove(name);
});

test('labels change only for who has read the newest ones', async () => {
  emulator.settings.operationMs = 600_000;
  const name = nextName();
  await insert(machine(name));
  const change = (labelFingerprint: unknown) =>
    compute('POST', `zones/${zone}/instances/${name}/setLabels`, { labels: { kept: 'true' }, labelFingerprint });
  const { labelFingerprint } = await look(name);
  emulator.settings.operationMs = 0;
  expect(reasonOf(await change('AAAA'))).toBe('conditionNotMet');
  await done(await change(labelFingerprint));
  expect((await look(name))['labels']).toEqual({ kept: 'true' });
  const wrong = await insert(machine(nextName(), { labels: { tenant: 'github_app/acme' } }));
  expect(reasonOf(wrong)).toBe('invalid');
  await remove(name);
});

test('several calls travel in one batch', async () => {
  const part = (url: string) => `--b\r\nContent-Type: application/http\r\nContent-ID: <${url}>\r\n\r\nGET ${url} HTTP/1.1\r\n\r\n\r\n`;
  const paths = ['zones', 'zones/nowhere'].map((below) => `/compute/v1/projects/${emulator.description.project}/${below}`);
  const response = await fetch(`${emulator.description.endpoint}/batch/compute/v1`, {
    method: 'POST',
    headers: { authorization: `Bearer ${emulator.description.token}`, 'content-type': 'multipart/mixed; boundary=b' },
    body: `${paths.map(part).join('')}--b--`,
  });
  expect((await response.text()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
});

/** A token as the issuer of a pool signs them, changed as a test needs it. */
function identity(changes: Json = {}, head: Json = {}): string {
  const part = (value: Json) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(emulator.clock.now() / 1000);
  const aud = `https://iam.googleapis.com/${emulator.description.wif_provider_resource_name}`;
  const claims = { iss: 'https://issuer.example', sub: 'local/default', aud, iat: now, exp: now + 600, ...changes };
  const signed = `${part({ alg: 'RS256', kid: 'first', ...head })}.${part(claims)}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey).toString('base64url')}`;
}

async function exchange(subject_token: string): Promise<Json> {
  const response = await fetch(`${emulator.description.endpoint}/v1/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: `//iam.googleapis.com/${emulator.description.wif_provider_resource_name}`,
      scope: cloudScope,
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token,
    }),
  });
  return (await response.json()) as Json;
}

const impersonate = (token: unknown) => {
  const url = `/v1/projects/-/serviceAccounts/${emulator.description.wif_service_account}:generateAccessToken`;
  return send('POST', url, { scope: [cloudScope], lifetime: '3600s' }, String(token as string));
};

test('a token of the issuer whose keys the provider holds opens the service account for its own subject, and no other does', async () => {
  expect(await exchange(identity())).toMatchObject({ error: 'invalid_grant' });
  const jwksJson = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'first', alg: 'RS256', use: 'sig' }] });
  const provider = `/v1/${emulator.description.wif_provider_resource_name}?updateMask=oidc`;
  expect((await send('PATCH', provider, { oidc: { issuerUri: 'https://issuer.example', jwksJson } })).status).toBe(200);

  const { access_token: federated } = await exchange(identity());
  expect((await compute('GET', 'zones', undefined, String(federated as string))).status).toBe(403);
  const { content } = await impersonate(federated);
  const opened = () => compute('GET', 'zones', undefined, String(content['accessToken'] as string));
  expect((await opened()).status).toBe(200);
  emulator.clock.advance(3600_000);
  expect(reasonOf(await opened())).toBe('authError');

  const past = Math.floor(emulator.clock.now() / 1000) - 7200;
  const wrong = [{ iss: 'https://other.example' }, { aud: 'elsewhere' }, { iat: past, exp: past + 600 }, { sub: '' }];
  for (const changes of wrong) expect(await exchange(identity(changes))).toMatchObject({ error: 'invalid_grant' });
  expect(await exchange(identity({}, { alg: 'none' }))).toMatchObject({ error: 'invalid_grant' });
  expect(await exchange(identity({}, { kid: 'other' }))).toMatchObject({ error: 'invalid_grant' });
  const [head, , signature] = identity().split('.');
  const [, forged] = identity({ sub: 'github_app/other' }).split('.');
  expect(await exchange(`${head}.${forged}.${signature}`)).toMatchObject({ error: 'invalid_grant' });
  const { access_token: other } = await exchange(identity({ sub: 'github_app/other' }));
  expect(await impersonate(other)).toMatchObject({ status: 403, content: { error: { status: 'PERMISSION_DENIED' } } });
});

test('what clients need to find it is in a file', async () => {
  const written = JSON.parse(await readFile(path.join(folder, 'emulator.json'), 'utf8')) as Json;
  expect(Object.keys(written).sort()).toEqual([
    'base_image',
    'endpoint',
    'network',
    'project',
    'ssh_user',
    'token',
    'wif_provider_resource_name',
    'wif_service_account',
    'zones',
  ]);
  expect((await fetch(`${emulator.description.endpoint}/compute/v1/projects/${emulator.description.project}/zones`)).status).toBe(401);
});

test("every request and answer above is one by Google's own description of the API", async () => {
  const { project } = emulator.description;
  const views = [
    '',
    '/regions',
    '/regions/us-central1',
    '/zones',
    `/zones/${zone}`,
    `/zones/${zone}/machineTypes`,
    `/zones/${zone}/diskTypes`,
  ];
  const more = ['/global/networks', '/global/networks/default', '/regions/us-central1/subnetworks', '/global/images', '/aggregated/disks'];
  for (const below of [...views, ...more, `/zones/${zone}/operations`, '/global/operations', `/zones/${zone}/instances`]) {
    expect((await send('GET', `/compute/v1/projects/${project}${below}`)).status, below).toBe(200);
  }
  await send('GET', '/compute/v1/projects/debian-cloud/global/images/family/debian-12');
  await send('GET', `/compute/v1/projects/debian-cloud/zones/${zone}/imageFamilyViews/debian-12`);
  const ours = emulator.seen.filter(({ action, outcome }) => outcome === 'ok' && !/^(?:sts|iam|iamcredentials)\./.test(action));
  expect(new Set(ours.map(({ action }) => action)).size).toBeGreaterThan(20);
  const faults = ours.flatMap(({ action, answer, body, method, url }) => faultsOf({ name: action, answer, body, method, url }));
  expect([...new Set(faults)]).toEqual([]);
  // The check itself sees what is wrong.
  expect(
    faultsOf({ name: 'zones.get', method: 'GET', url: `/compute/v1/projects/p/zones/${zone}?x=1`, body: '', answer: { nme: 1 } }),
  ).toEqual(['zones.get takes no x', 'zones.get answer has no nme']);
});
