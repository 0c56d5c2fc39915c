import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import {
  CreateImageCommand,
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeVpcsCommand,
  EC2Client,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  type TagSpecification,
} from '@aws-sdk/client-ec2';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startEmulator, type Emulator } from '../emulator.js';
import { actionsOf, parsePolicy } from './policy.js';

const root = path.resolve(import.meta.dirname, '../../../../..');
let folder: string;
let emulator: Emulator;
/** As the account's owner, who may do everything, and as the role with the guide's policy. */
let owner: EC2Client;
let murmur: EC2Client;

const options = (session?: { AccessKeyId?: string; SecretAccessKey?: string; SessionToken?: string }) => {
  const { access_key_id, endpoint, region, secret_access_key } = emulator.description;
  const { AccessKeyId = access_key_id, SecretAccessKey = secret_access_key, SessionToken } = session ?? {};
  const token = SessionToken === undefined ? {} : { sessionToken: SessionToken };
  return { endpoint, region, maxAttempts: 1, credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, ...token } };
};
const assume = async (RoleArn: string, ExternalId?: string) => {
  const sts = new STSClient(options());
  const asked = new AssumeRoleCommand({ RoleArn, RoleSessionName: 'murmur-run', ...(ExternalId === undefined ? {} : { ExternalId }) });
  const { AccessKeyId, SecretAccessKey, SessionToken } = (await sts.send(asked)).Credentials ?? {};
  return options({ AccessKeyId: AccessKeyId ?? '', SecretAccessKey: SecretAccessKey ?? '', SessionToken: SessionToken ?? '' });
};
const codeOf = (failing: Promise<unknown>) =>
  failing.then(
    () => 'done',
    (error: unknown) => (error as Error).name,
  );
const Tags = [{ Key: 'murmur', Value: 'true' }];
const tagged = (...types: string[]) => types.map((ResourceType) => ({ ResourceType, Tags }) as TagSpecification);
const launch = (client: EC2Client, ...types: string[]) =>
  client.send(
    new RunInstancesCommand({
      ImageId: emulator.description.image_id,
      MinCount: 1,
      MaxCount: 1,
      SubnetId: emulator.description.subnets[0],
      TagSpecifications: tagged(...types),
      ClientToken: randomBytes(8).toString('hex'),
    }),
  );
const idOf = async (launched: ReturnType<typeof launch>) => (await launched).Instances?.[0]?.InstanceId ?? '';
const complete = ['instance', 'volume', 'network-interface'];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'ec2-'));
  emulator = await startEmulator({ listen: { host: '127.0.0.1', port: 0 }, dataDir: folder });
  // No machine gets as far as to boot.
  emulator.settings.instancePendingMs = 3_600_000;
  owner = new EC2Client(options());
  murmur = new EC2Client(await assume(emulator.description.role_arn, 'local/default'));
});
afterAll(async () => {
  await emulator[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The calls in the substrate's code; its own identity, and nobody's policy, is for those of STS. */
async function calledActions(): Promise<readonly string[]> {
  const sources = path.join(root, 'packages/server/src/substrates/aws');
  const files = (await readdir(sources, { recursive: true })).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const code = (await Promise.all(files.map((file) => readFile(path.join(sources, file), 'utf8')))).join('\n');
  const names = [...code.matchAll(/\b(?:paginate([A-Z]\w+)|([A-Z]\w+)Command)\b/g)].map(([, page, command]) => page ?? command ?? '');
  return [...new Set(names)].filter((name) => !['AssumeRole', 'GetCallerIdentity'].includes(name)).map((name) => `ec2:${name}`);
}

test('the policy of the guide allows every call that the substrate makes, and no other', async () => {
  const policy = parsePolicy(await readFile(path.join(root, 'deploy/aws/policy.json'), 'utf8'));
  expect(actionsOf(policy)).toEqual([...(await calledActions())].sort());
});

test('a machine is started with the tag from birth on all that comes with it, or not at all', async () => {
  for (const missing of complete) {
    expect(await codeOf(launch(murmur, ...complete.filter((type) => type !== missing)))).toBe('UnauthorizedOperation');
  }
  const id = await idOf(launch(murmur, ...complete));
  expect(await codeOf(murmur.send(new TerminateInstancesCommand({ InstanceIds: [id] })))).toBe('done');
});

test('what is not ours is neither stopped, ended, imaged nor tagged, and the mark of what is ours is not changed', async () => {
  const theirs = await idOf(launch(owner));
  const InstanceIds = [theirs];
  expect(await codeOf(murmur.send(new StopInstancesCommand({ InstanceIds })))).toBe('UnauthorizedOperation');
  expect(await codeOf(murmur.send(new TerminateInstancesCommand({ InstanceIds })))).toBe('UnauthorizedOperation');
  expect(
    await codeOf(
      murmur.send(new CreateImageCommand({ InstanceId: theirs, Name: 'theirs', TagSpecifications: tagged('image', 'snapshot') })),
    ),
  ).toBe('UnauthorizedOperation');
  expect(await codeOf(murmur.send(new CreateTagsCommand({ Resources: [theirs], Tags })))).toBe('UnauthorizedOperation');
  const ours = await idOf(launch(murmur, ...complete));
  expect(await codeOf(murmur.send(new DeleteTagsCommand({ Resources: [ours], Tags })))).toBe('UnauthorizedOperation');
  expect(await codeOf(murmur.send(new CreateTagsCommand({ Resources: [ours], Tags: [{ Key: 'murmur', Value: 'false' }] })))).toBe(
    'UnauthorizedOperation',
  );
  expect(await codeOf(murmur.send(new TerminateInstancesCommand({ InstanceIds: [ours, theirs] })))).toBe('UnauthorizedOperation');
  expect(await codeOf(owner.send(new TerminateInstancesCommand({ InstanceIds: [ours, theirs] })))).toBe('done');
});

test('a call that the policy does not name is refused by its name', async () => {
  await expect(murmur.send(new StartInstancesCommand({ InstanceIds: [await idOf(launch(owner))] }))).rejects.toThrow(
    /is not authorized to perform: ec2:StartInstances on resource: arn:aws:ec2:us-east-1:123456789012:instance\/i-/,
  );
  expect(await codeOf(murmur.send(new DescribeVpcsCommand({})))).toBe('UnauthorizedOperation');
});

test('the trust policy of the guide lets the server in with its external id only, also where the role is in another account', async () => {
  const { account_id, other_account_role_arn, role_arn } = emulator.description;
  const account = async (session: Awaited<ReturnType<typeof assume>>) =>
    (await new STSClient(session).send(new GetCallerIdentityCommand({}))).Account;
  expect(await account(await assume(role_arn, 'local/default'))).toBe(account_id);
  expect(await codeOf(assume(role_arn, 'github_app/other'))).toBe('AccessDenied');
  expect(await codeOf(assume(role_arn))).toBe('AccessDenied');
  const elsewhere = await assume(other_account_role_arn, 'local/default');
  expect(await account(elsewhere)).toBe('210987654321');
  expect(await codeOf(new EC2Client(elsewhere).send(new DescribeVpcsCommand({})))).toBe('UnauthorizedOperation');
});

test('a role without the condition lets anybody in who knows it', async () => {
  const { role_arn } = emulator.description;
  const before = emulator.accounts.roles.get(role_arn);
  emulator.accounts.roles.set(role_arn, { arn: role_arn, externalIds: undefined });
  expect(await codeOf(assume(role_arn, 'anything/at-all'))).toBe('done');
  if (before !== undefined) emulator.accounts.roles.set(role_arn, before);
});
