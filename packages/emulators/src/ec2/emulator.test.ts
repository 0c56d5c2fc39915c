import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import {
  CreateImageCommand,
  CreateSecurityGroupCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  EC2Client,
  type Instance,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { connectSsh, deriveGuestKeys } from '@murmur/server/testing-machines';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { type Emulator, startEmulator } from './emulator.js';
import { defaultSettings } from './settings.js';

const keys = deriveGuestKeys(randomBytes(64));
let folder: string;
let emulator: Emulator;
let ec2: EC2Client;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'ec2-'));
  emulator = await startEmulator({ listen: { host: '127.0.0.1', port: 0 }, dataDir: folder });
  ec2 = clientOf({});
});
afterAll(async () => {
  await emulator[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  emulator.faults.replace([]);
  Object.assign(emulator.settings, defaultSettings());
});

interface Login {
  readonly secret?: string;
  readonly session?: { AccessKeyId?: string | undefined; SecretAccessKey?: string | undefined; SessionToken?: string | undefined };
}

function clientOf(login: Login): EC2Client {
  return new EC2Client(optionsOf(login));
}

function optionsOf({ secret, session }: Login) {
  const { access_key_id, endpoint, region, secret_access_key } = emulator.description;
  return {
    endpoint,
    region,
    maxAttempts: 1,
    credentials: {
      accessKeyId: session?.AccessKeyId ?? access_key_id,
      secretAccessKey: session?.SecretAccessKey ?? secret ?? secret_access_key,
      ...(session?.SessionToken === undefined ? {} : { sessionToken: session.SessionToken }),
    },
  };
}

const sts = () => new STSClient(optionsOf({}));
const launch = (changes: Partial<RunInstancesCommandInput> = {}) =>
  ec2.send(
    new RunInstancesCommand({
      ImageId: emulator.description.image_id,
      InstanceType: 't3.micro',
      MinCount: 1,
      MaxCount: 1,
      SubnetId: emulator.description.subnets[0],
      UserData: Buffer.from(userData()).toString('base64'),
      ...changes,
    }),
  );
const idOf = async (answer: Promise<{ Instances?: Instance[] | undefined }>) => (await answer).Instances?.[0]?.InstanceId ?? '';
const look = async (id: string) => (await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }))).Reservations?.[0]?.Instances?.[0];
const stateOf = async (id: string) => (await look(id))?.State?.Name;
const terminate = (id: string) => ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
const codeOf = (failing: Promise<unknown>) =>
  failing.then(
    () => 'done',
    (error: unknown) => (error as Error).name,
  );

function userData(): string {
  const host = keys.hostPrivate.trim().replaceAll('\n', '\n    ');
  return `#cloud-config\nssh_keys:\n  ed25519_private: |\n    ${host}\nusers:\n- name: root\n  ssh_authorized_keys:\n  - ${keys.clientPublic}\n`;
}

async function enter(id: string) {
  const address = (await look(id))?.PrivateIpAddress ?? '';
  const { signal } = new AbortController();
  for (const limit = Date.now() + 60_000; ;) {
    try {
      return await connectSsh({ host: address, port: 22, keys, signal });
    } catch (error) {
      if (Date.now() > limit) throw error;
    }
  }
}

test('a machine boots with the keys of its user-data, becomes an image when it is stopped, and the image boots with what was on it', async () => {
  const id = await idOf(launch({ MetadataOptions: { HttpTokens: 'required' } }));
  await expect.poll(() => stateOf(id), { timeout: 60_000 }).toBe('running');
  await using first = await enter(id);
  expect(await first.run('echo kept >/marker; sync; id -u')).toMatchObject({ exitCode: 0, stdout: '0\n' });
  await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
  await expect.poll(() => stateOf(id), { timeout: 90_000 }).toBe('stopped');

  const { ImageId: image = '' } = await ec2.send(new CreateImageCommand({ InstanceId: id, Name: 'first image', NoReboot: true }));
  const imageNow = async () => (await ec2.send(new DescribeImagesCommand({ Owners: ['self'], ImageIds: [image] }))).Images?.[0];
  await expect.poll(async () => (await imageNow())?.State, { timeout: 60_000 }).toBe('available');
  const snapshot = (await imageNow())?.BlockDeviceMappings?.[0]?.Ebs?.SnapshotId;
  expect(await codeOf(ec2.send(new CreateImageCommand({ InstanceId: id, Name: 'first image' })))).toBe('InvalidAMIName.Duplicate');
  await terminate(id);
  await expect.poll(() => stateOf(id)).toBe('terminated');
  expect((await ec2.send(new DescribeVolumesCommand({}))).Volumes).toEqual([]);

  const second = await idOf(launch({ ImageId: image, InstanceInitiatedShutdownBehavior: 'terminate' }));
  await using channel = await enter(second);
  expect((await channel.run('cat /marker')).stdout).toBe('kept\n');
  await channel.run('poweroff').catch(() => undefined);
  await expect
    .poll(() => look(second), { timeout: 60_000 })
    .toMatchObject({
      State: { Name: 'terminated' },
      StateReason: { Code: 'Client.InstanceInitiatedShutdown' },
    });

  expect(await codeOf(ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshot })))).toBe('InvalidSnapshot.InUse');
  await ec2.send(new DeregisterImageCommand({ ImageId: image }));
  await ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshot }));
  expect((await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'] }))).Snapshots).toHaveLength(1);
  expect(await readdir(path.join(folder, 'volumes'))).toEqual([]);
  expect(await readdir(path.join(folder, 'snapshots'))).toHaveLength(1);
}, 240_000);

test('a token starts one machine in its zone, with its parameters, and none again once that is terminated', async () => {
  emulator.settings.instancePendingMs = 60_000;
  const id = await idOf(launch({ ClientToken: 'once' }));
  expect(await idOf(launch({ ClientToken: 'once' }))).toBe(id);
  expect(await codeOf(launch({ ClientToken: 'once', InstanceType: 't3.large' }))).toBe('IdempotentParameterMismatch');
  const elsewhere = await idOf(launch({ ClientToken: 'once', SubnetId: emulator.description.subnets[1] }));
  expect(elsewhere).not.toBe(id);
  await terminate(id);
  await terminate(elsewhere);
  expect(await codeOf(launch({ ClientToken: 'once' }))).toBe('IdempotentInstanceTerminated');
});

test('a wrong secret, a missing session token and a session that is over are refused', async () => {
  const { RoleArn, ExternalId } = { RoleArn: emulator.description.role_arn, ExternalId: 'local/default' };
  const describe = new DescribeVolumesCommand({});
  expect(await codeOf(clientOf({ secret: 'wrong' }).send(describe))).toBe('SignatureDoesNotMatch');
  const { Credentials: session } = await sts().send(new AssumeRoleCommand({ RoleArn, ExternalId, RoleSessionName: 'murmur-run' }));
  expect(await codeOf(clientOf({ session: { ...session } }).send(describe))).toBe('done');
  expect(await codeOf(clientOf({ session: { ...session, SessionToken: undefined } }).send(describe))).toBe('AuthFailure');
  emulator.settings.sessionSeconds = 0;
  const { Credentials: over } = await sts().send(new AssumeRoleCommand({ RoleArn, ExternalId, RoleSessionName: 'murmur-run' }));
  expect(await codeOf(clientOf({ session: { ...over } }).send(describe))).toBe('RequestExpired');
});

test('a role is assumed with its external id only, and says which account it is in', async () => {
  const assume = (changes: object) =>
    codeOf(sts().send(new AssumeRoleCommand({ RoleArn: emulator.description.role_arn, RoleSessionName: 'murmur-run', ...changes })));
  expect(await assume({ ExternalId: 'local/default' })).toBe('done');
  expect(await assume({ ExternalId: 'github_app/other' })).toBe('AccessDenied');
  expect(await assume({})).toBe('AccessDenied');
  expect(await assume({ ExternalId: 'local/default', RoleSessionName: 'a/b' })).toBe('ValidationError');
  expect((await sts().send(new GetCallerIdentityCommand({}))).Account).toBe(emulator.description.account_id);
});

test('faults: a lost answer has its effect, a dropped request has none, and a failing call names its code', async () => {
  const create = (name: string) => codeOf(ec2.send(new CreateSecurityGroupCommand({ GroupName: name, Description: 'd' })));
  emulator.faults.replace([{ call: 'CreateSecurityGroup', effect: 'lose', times: 1 }]);
  expect(await create('lost')).not.toBe('done');
  expect(await create('lost')).toBe('InvalidGroup.Duplicate');
  emulator.faults.replace([{ call: 'Create*', effect: 'drop', times: 1 }]);
  expect(await create('dropped')).not.toBe('done');
  expect(await create('dropped')).toBe('done');
  emulator.faults.replace([{ call: 'CreateSecurityGroup', effect: 'fail', times: 1, code: 'RequestLimitExceeded', status: 503 }]);
  expect(await create('limited')).toBe('RequestLimitExceeded');
});

test('what was just made is not seen at once, a full zone has no room, a quota is named and a denied action refused', async () => {
  emulator.settings.instancePendingMs = 60_000;
  emulator.settings.lateMs = 60_000;
  const id = await idOf(launch());
  expect(await codeOf(look(id))).toBe('InvalidInstanceID.NotFound');
  expect(await codeOf(terminate(id))).toBe('InvalidInstanceID.NotFound');
  emulator.settings.lateMs = 0;
  expect(await stateOf(id)).toBe('pending');
  await terminate(id);
  emulator.settings.fullZones = ['us-east-1a'];
  await expect(launch()).rejects.toMatchObject({ name: 'InsufficientInstanceCapacity', $metadata: { httpStatusCode: 500 } });
  emulator.settings.fullZones = [];
  emulator.settings.instanceQuota = 0;
  expect(await codeOf(launch())).toBe('VcpuLimitExceeded');
  emulator.settings.denied = ['ec2:CreateImage'];
  expect(await codeOf(ec2.send(new CreateImageCommand({ InstanceId: id, Name: 'never' })))).toBe('UnauthorizedOperation');
});

test('a list comes page by page, and an unknown filter or parameter is refused', async () => {
  emulator.settings.pageSize = 2;
  const first = await ec2.send(new DescribeSubnetsCommand({}));
  const second = await ec2.send(new DescribeSubnetsCommand({ NextToken: first.NextToken }));
  const ids = [...(first.Subnets ?? []), ...(second.Subnets ?? [])].map(({ SubnetId }) => SubnetId);
  expect(ids).toEqual(emulator.description.subnets);
  expect(second.NextToken).toBeUndefined();
  expect(await codeOf(ec2.send(new DescribeSubnetsCommand({ Filters: [{ Name: 'colour', Values: ['red'] }] })))).toBe(
    'InvalidParameterValue',
  );
  expect(await codeOf(launch({ HibernationOptions: { Configured: true } }))).toBe('UnsupportedOperation');
});
