import { afterAll, beforeAll, expect, test } from 'vitest';

import { createClock } from '../wire/clock.js';
import { serveMetadata, type MetadataService } from './metadata.js';
import { createWorld, newThing, type Instance } from './world.js';

let service: MetadataService;
const world = createWorld('us-east-1');
const clock = createClock();

beforeAll(async () => {
  const [subnet] = world.subnets.values();
  world.keys.set('laptop', { ...newThing(clock, 'key'), name: 'laptop', publicKey: 'ssh-ed25519 AAAA laptop' });
  const shown = { address: '127.1.2.3', imageId: 'ami-1', keyName: 'laptop', type: 't3.micro', tokensRequired: true };
  const rest = { subnet, userData: Buffer.from('#cloud-config'), groupIds: [], networkInterface: newThing(clock, 'eni') };
  const instance: unknown = { ...newThing(clock, 'i'), ...shown, ...rest };
  service = await serveMetadata(world, instance as Instance, '123456789012');
});
afterAll(() => service.close());

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`http://127.0.0.1:${service.port}/${path}`, { method, headers });
const token = async () => (await ask('latest/api/token', { 'x-aws-ec2-metadata-token-ttl-seconds': '60' }, 'PUT')).text();
const read = async (path: string) => (await ask(path, { 'x-aws-ec2-metadata-token': await token() })).text();

test('nothing is said without a token', async () => {
  expect((await ask('latest/user-data')).status).toBe(401);
  expect((await ask('latest/user-data', { 'x-aws-ec2-metadata-token': 'made-up' })).status).toBe(401);
  expect((await ask('latest/api/token', { 'x-aws-ec2-metadata-token-ttl-seconds': '0' }, 'PUT')).status).toBe(400);
  expect(await read('latest/user-data')).toBe('#cloud-config');
});

test('folders end in a slash wherever they are listed, keys have a number and a name: that is how cloud-init walks', async () => {
  expect((await read('2021-03-23/meta-data/')).split('\n')).toEqual(expect.arrayContaining(['instance-id', 'placement/', 'public-keys/']));
  expect(await read('2021-03-23/meta-data/public-keys/')).toBe('0=laptop');
  expect(await read('2021-03-23/meta-data/public-keys/0/openssh-key')).toBe('ssh-ed25519 AAAA laptop');
  expect(await read('2021-03-23/dynamic/')).toBe('instance-identity/');
  expect(await read('2021-03-23/dynamic/instance-identity/')).toBe('document');
  expect(JSON.parse(await read('2021-03-23/dynamic/instance-identity/document'))).toMatchObject({ accountId: '123456789012' });
});
