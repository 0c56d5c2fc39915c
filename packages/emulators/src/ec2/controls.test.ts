import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import {
  CreateImageCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  EC2Client,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { startEmulator, type Emulator } from './emulator.js';
import { defaultSettings } from './settings.js';

const limit = { timeout: 60_000 };
let folder: string;
let emulator: Emulator;
let ec2: EC2Client;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'ec2-'));
  emulator = await startEmulator({ listen: { host: '127.0.0.1', port: 0 }, dataDir: folder });
  ec2 = new EC2Client(options());
});
afterAll(async () => {
  await emulator[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => void Object.assign(emulator.settings, defaultSettings()));

function options(session?: { AccessKeyId?: string | undefined; SecretAccessKey?: string | undefined; SessionToken?: string | undefined }) {
  const { access_key_id, endpoint, region, secret_access_key } = emulator.description;
  const accessKeyId = session?.AccessKeyId ?? access_key_id;
  const token = session?.SessionToken === undefined ? {} : { sessionToken: session.SessionToken };
  const credentials = { accessKeyId, secretAccessKey: session?.SecretAccessKey ?? secret_access_key, ...token };
  return { endpoint, region, maxAttempts: 1, credentials };
}
async function asRole(ExternalId = 'local/default', DurationSeconds = 900) {
  const asked = new AssumeRoleCommand({
    RoleArn: emulator.description.role_arn,
    RoleSessionName: 'murmur-run',
    ExternalId,
    DurationSeconds,
  });
  return new EC2Client(options((await new STSClient(options()).send(asked)).Credentials));
}
async function ask(method: string, what: string, body?: object) {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(`${emulator.description.endpoint}/_emulator/${what}`, { method, ...sent });
  return { status: answer.status, said: (await answer.json()) as unknown };
}
async function launch(): Promise<string> {
  const { Instances } = await ec2.send(new RunInstancesCommand({ ImageId: emulator.description.image_id, MinCount: 1, MaxCount: 1 }));
  return Instances?.[0]?.InstanceId ?? '';
}
const look = async (client: EC2Client, id: string) =>
  (await client.send(new DescribeInstancesCommand({ InstanceIds: [id] }))).Reservations?.[0]?.Instances?.[0];
const codeOf = (failing: Promise<unknown>) =>
  failing.then(
    () => 'done',
    (error: unknown) => (error as Error).name,
  );

test('minutes pass at once: an image is there after 45 of them, a session of 15 is over, a held snapshot is free', async () => {
  const minutes = (count: number) => ask('PUT', 'clock', { advanceMs: count * 60_000 });
  emulator.settings.imagePendingMs = 45 * 60_000;
  emulator.settings.snapshotHeldMs = 5 * 60_000;
  const role = await asRole();
  const id = await launch();
  await expect.poll(async () => (await look(ec2, id))?.State?.Name, limit).toBe('running');
  const { ImageId = '' } = await ec2.send(new CreateImageCommand({ InstanceId: id, Name: 'slow', NoReboot: true }));
  const image = async () => (await ec2.send(new DescribeImagesCommand({ ImageIds: [ImageId] }))).Images?.[0];
  await minutes(14);
  expect((await image())?.State).toBe('pending');
  expect(await codeOf(look(role, id))).toBe('done');
  await minutes(2);
  expect(await codeOf(look(role, id))).toBe('RequestExpired');
  await minutes(30);
  await expect.poll(async () => (await image())?.State, limit).toBe('available');

  const SnapshotId = (await image())?.BlockDeviceMappings?.[0]?.Ebs?.SnapshotId;
  await ec2.send(new DeregisterImageCommand({ ImageId }));
  expect(await codeOf(ec2.send(new DeleteSnapshotCommand({ SnapshotId })))).toBe('InvalidSnapshot.InUse');
  await minutes(6);
  expect(await codeOf(ec2.send(new DeleteSnapshotCommand({ SnapshotId })))).toBe('done');
  emulator.settings.snapshotQuota = 1;
  expect(await codeOf(ec2.send(new CreateImageCommand({ InstanceId: id, Name: 'one too many', NoReboot: true })))).toBe(
    'SnapshotLimitExceeded',
  );

  expect(await ask('POST', 'events', { event: 'lose', id })).toEqual({ status: 200, said: {} });
  await expect
    .poll(() => look(ec2, id), limit)
    .toMatchObject({ State: { Name: 'terminated' }, StateReason: { Code: 'Server.InternalError' } });
}, 240_000);

test('one reader sees what another does not see yet, by who asks and by what is asked', async () => {
  emulator.settings.instancePendingMs = 3_600_000;
  const role = await asRole();
  await ask('PUT', 'settings', { lateReaders: [{ reader: '*assumed-role/murmur-bake/*', ms: 3_600_000 }] });
  const id = await launch();
  expect(await codeOf(look(ec2, id))).toBe('done');
  expect(await codeOf(look(role, id))).toBe('InvalidInstanceID.NotFound');
  const volumes = async () => (await role.send(new DescribeVolumesCommand({}))).Volumes?.length;
  expect(await volumes()).toBe(0);
  await ask('PUT', 'settings', { lateReaders: [{ reader: 'DescribeVolumes', ms: 3_600_000 }] });
  expect(await codeOf(look(role, id))).toBe('done');
  expect(await volumes()).toBe(0);
  await ask('PUT', 'settings', { lateReaders: [] });
  expect(await volumes()).toBe(1);
  await ask('POST', 'events', { event: 'terminate', id });
  await expect.poll(async () => (await look(ec2, id))?.State?.Name, limit).toBe('terminated');
});

test('a role can be made to let everybody in', async () => {
  expect(await codeOf(asRole('github_app/other'))).toBe('AccessDenied');
  await ask('PUT', 'settings', { anyExternalId: true });
  expect(await codeOf(asRole('github_app/other'))).toBe('done');
});

test('what the emulator is asked for and does not have is refused', async () => {
  expect(await ask('PUT', 'settings', { colour: 'red' })).toMatchObject({ status: 400 });
  expect(await ask('PUT', 'settings', { lateMs: 'long' })).toMatchObject({ status: 400 });
  expect(await ask('PUT', 'faults', [{ call: 'RunInstances', effect: 'explode', times: 1 }] as unknown as object)).toMatchObject({
    status: 400,
  });
  expect(await ask('PUT', 'clock', { advanceMs: -1 })).toMatchObject({ status: 400 });
  expect(await ask('POST', 'events', { event: 'toString', id: 'i-1' })).toMatchObject({ status: 400 });
  expect(await ask('POST', 'events', { event: 'lose', id: 'i-1' })).toMatchObject({ status: 404 });
  expect(await ask('GET', 'weather')).toMatchObject({ status: 404 });
  expect(await ask('GET', 'calls')).toMatchObject({ status: 200 });
  expect(await codeOf(ec2.send(new DescribeSubnetsCommand({})))).toBe('done');
});
