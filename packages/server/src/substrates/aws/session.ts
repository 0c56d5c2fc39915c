import { randomUUID } from 'node:crypto';

import type { EC2Client } from '@aws-sdk/client-ec2';
import type { Credentials, STSClient } from '@aws-sdk/client-sts';
import { MurmurError } from '@murmur/api';

import { PlatformFault } from '../substrate.js';
import { codeOf } from './faults.js';
import type { AwsPlace } from './place.js';

/** What the operator has configured. */
export interface AwsConfiguration {
  /** In place of Amazon's own addresses. */
  readonly endpoint?: string | undefined;
  /** Whether placements without a role use the server's own identity. */
  readonly operatorCredentials?: 'refused' | 'allowed';
  /** The server's own identity, where it is not the one that the SDK finds. */
  readonly identity?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** Rights in one account for a while. */
export interface Session {
  readonly client: EC2Client;
  /** Another one is needed from then on, in milliseconds since the epoch. */
  readonly until: number;
}

const sessionSeconds = 3600;
/** A session is renewed this long before it ends, or after two thirds of its life when that is short. */
const earlyMs = 5 * 60_000;

/**
 * Assumes a place's role with the tenant as external id, as a session that is named for whoever uses it, and compares the account
 * it leads to. Throws what to set where the role does not let the tenant in or leads elsewhere.
 */
export async function openSession(configuration: AwsConfiguration, place: AwsPlace, name: string): Promise<Session> {
  const [{ EC2Client: Client }, sts] = await Promise.all([import('@aws-sdk/client-ec2'), import('@aws-sdk/client-sts')]);
  const own = ownOptions(configuration, place);
  const operator = new sts.STSClient(own);
  const account = async (client: STSClient) => {
    const { Account: actual = '' } = await client.send(new sts.GetCallerIdentityCommand({}));
    if (actual !== place.accountId) throw otherAccount(place, actual);
  };
  try {
    if (place.roleArn === '') {
      if (configuration.operatorCredentials !== 'allowed') throw noRole();
      await account(operator);
      return { client: new Client(own), until: Infinity };
    }
    const begun = Date.now();
    const given = await assume(place, name, (request) => operator.send(new sts.AssumeRoleCommand(request)));
    const {
      AccessKeyId: accessKeyId = '',
      Expiration: end,
      SecretAccessKey: secretAccessKey = '',
      SessionToken: sessionToken = '',
    } = given;
    const assumed = { ...own, credentials: { accessKeyId, secretAccessKey, sessionToken } };
    const caller = new sts.STSClient(assumed);
    await account(caller).finally(() => caller.destroy());
    const life = (end?.getTime() ?? begun) - begun;
    return { client: new Client(assumed), until: begun + life - Math.min(earlyMs, life / 3) };
  } finally {
    operator.destroy();
  }
}

/** Throws FAILED_PRECONDITION when the role's trust policy lets in whoever knows its name. */
export async function assertGuarded(configuration: AwsConfiguration, place: AwsPlace): Promise<void> {
  if (place.roleArn === '') return;
  const { AssumeRoleCommand, STSClient: Client } = await import('@aws-sdk/client-sts');
  const operator = new Client(ownOptions(configuration, place));
  try {
    const stranger = { RoleArn: place.roleArn, ExternalId: `murmur-check/${randomUUID()}`, RoleSessionName: 'murmur-check' };
    await operator.send(new AssumeRoleCommand({ ...stranger, DurationSeconds: 900 }));
  } catch (error) {
    if (codeOf(error) === 'AccessDenied') return;
    throw error;
  } finally {
    operator.destroy();
  }
  throw new MurmurError('FAILED_PRECONDITION', `role ${place.roleArn} accepts any external id`, { hint: trustHint(place) });
}

/** How a client with the server's own identity is made. */
function ownOptions({ endpoint, identity }: AwsConfiguration, { region }: AwsPlace) {
  return {
    region,
    // Each call is repeated by whoever knows what that would do.
    maxAttempts: 1,
    // A connection that says nothing is one whose answer was lost.
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 60_000, throwOnRequestTimeout: true },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(identity === undefined ? {} : { credentials: identity }),
  };
}

interface AssumeRequest {
  readonly RoleArn: string;
  readonly ExternalId: string;
  readonly RoleSessionName: string;
  readonly DurationSeconds: number;
}

async function assume(
  place: AwsPlace,
  name: string,
  send: (request: AssumeRequest) => Promise<{ Credentials?: Credentials | undefined }>,
): Promise<Credentials> {
  const { externalId: ExternalId, roleArn: RoleArn } = place;
  try {
    const { Credentials: given } = await send({ RoleArn, ExternalId, RoleSessionName: name, DurationSeconds: sessionSeconds });
    if (given !== undefined) return given;
  } catch (error) {
    if (codeOf(error) !== 'AccessDenied') throw error;
    const message = `role ${RoleArn} does not let the server in for tenant "${ExternalId}". ${trustHint(place)}`;
    throw new PlatformFault(message, { cause: error, kind: 'refused' });
  }
  throw new PlatformFault(`AWS gave no session of role ${RoleArn}`, { kind: 'slow-down' });
}

function trustHint({ externalId }: AwsPlace): string {
  const condition = JSON.stringify({ StringEquals: { 'sts:ExternalId': externalId } });
  return `Its trust policy must name the server's identity as principal, with "Condition": ${condition}.`;
}

function noRole(): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', 'the placement has no role_arn', {
    hint: "Set one. The server's own credentials are used only where its configuration says so.",
  });
}

function otherAccount({ accountId, roleArn }: AwsPlace, actual: string): MurmurError {
  const who = roleArn === '' ? "the server's own identity" : `role ${roleArn}`;
  return new MurmurError('FAILED_PRECONDITION', `${who} is in account ${actual}, and the placement names ${accountId}`, {
    hint: 'Set account_id and role_arn of the placement to the same account.',
  });
}
