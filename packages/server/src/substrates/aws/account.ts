import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import type { EC2Client } from '@aws-sdk/client-ec2';
import { MurmurError } from '@murmur/api';

import type { Site } from '../substrate.js';
import { asFault, codeOf, kindOf } from './faults.js';

/** What the operator has configured. */
export interface AwsConfiguration {
  /** In place of Amazon's own addresses. */
  readonly endpoint?: string | undefined;
  /** The server's own identity; the SDK looks for one where there is none. */
  readonly operatorCredentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** An account and region as a placement names them, with the tenant that uses it. */
export interface AwsPlace {
  readonly accountId: string;
  readonly region: string;
  readonly roleArn: string;
  readonly externalId: string;
  readonly subnets: readonly string[];
  readonly securityGroup: string;
  readonly profileArn: string;
  readonly publicIp: boolean;
}

/** Clients of the accounts that sites are in. */
export interface AwsAccounts {
  /** Repeats what is asked of a site while it may help: throttling and lost answers for minutes, an expired session once. */
  ask<T>(site: Site, signal: AbortSignal, use: (client: EC2Client) => Promise<T>): Promise<T>;
  /** As {@link ask}, once: for what is not the same when it is repeated. */
  askOnce<T>(site: Site, use: (client: EC2Client) => Promise<T>): Promise<T>;
  close(): void;
}

const sessionSeconds = 3600;
/** A session is renewed this long before it ends. */
const earlyMs = 5 * 60_000;
const patienceMs = 5 * 60_000;
const pauseMs = { first: 500, longest: 20_000 };

interface Entry {
  readonly client: EC2Client;
  readonly until: number;
}

/** Assumes each site's role with the tenant as external id, for an hour at a time. */
export function createAccounts({ endpoint, operatorCredentials }: AwsConfiguration): AwsAccounts {
  const entries = new Map<string, Promise<Entry>>();
  const base = (region: string) => ({ region, maxAttempts: 1, ...(endpoint === undefined ? {} : { endpoint }) });

  const open = async (place: AwsPlace): Promise<Entry> => {
    const [{ EC2Client: Client }, sts] = await Promise.all([import('@aws-sdk/client-ec2'), import('@aws-sdk/client-sts')]);
    const operator = new sts.STSClient({
      ...base(place.region),
      ...(operatorCredentials === undefined ? {} : { credentials: operatorCredentials }),
    });
    const assume = (externalId: string) =>
      operator.send(
        new sts.AssumeRoleCommand({
          RoleArn: place.roleArn,
          ExternalId: externalId,
          RoleSessionName: 'murmur-bake',
          DurationSeconds: sessionSeconds,
        }),
      );
    try {
      if (await succeeds(assume(`murmur-check/${randomUUID()}`))) throw unguarded(place);
      const { Credentials: given } = await assume(place.externalId);
      const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '', SessionToken: sessionToken = '' } = given ?? {};
      const options = { ...base(place.region), credentials: { accessKeyId, secretAccessKey, sessionToken } };
      const caller = new sts.STSClient(options);
      const { Account: account } = await caller.send(new sts.GetCallerIdentityCommand({}));
      caller.destroy();
      if (account !== place.accountId) throw otherAccount(place, account ?? '');
      return { client: new Client(options), until: (given?.Expiration?.getTime() ?? 0) - earlyMs };
    } finally {
      operator.destroy();
    }
  };
  const clientOf = async (place: AwsPlace): Promise<EC2Client> => {
    const key = JSON.stringify([place.region, place.roleArn, place.externalId, place.accountId]);
    const known = entries.get(key);
    const entry = known === undefined ? undefined : await known;
    if (entry !== undefined && entry.until > Date.now()) return entry.client;
    if (entries.get(key) === known)
      entries.set(
        key,
        open(place).catch((error: unknown) => (entries.delete(key), Promise.reject(error as Error))),
      );
    return (await (entries.get(key) ?? open(place))).client;
  };
  const accounts: AwsAccounts = {
    async ask(site, signal, use) {
      let renewed = false;
      const limit = Date.now() + patienceMs;
      for (let pause = pauseMs.first; ; pause = Math.min(pause * 2, pauseMs.longest)) {
        signal.throwIfAborted();
        try {
          return await use(await clientOf(placeOf(site)));
        } catch (error) {
          if (/^(RequestExpired|ExpiredToken)/.test(codeOf(error)) && !renewed) {
            renewed = true;
            entries.clear();
          } else if (kindOf(error) !== 'slow-down' || Date.now() > limit) throw asFault(error);
          else await delay(Math.random() * pause, undefined, { signal });
        }
      }
    },
    askOnce: async (site, use) => use(await clientOf(placeOf(site))),
    close() {
      for (const entry of entries.values()) void entry.then(({ client }) => client.destroy());
      entries.clear();
    },
  };
  return accounts;
}

/** A place as the JSON of a site. */
export function siteOfPlace(place: AwsPlace): Site {
  return { ...place, subnets: place.subnets.join(' ') } as unknown as Site;
}

/** The place that a site names. */
export function placeOf(site: Site): AwsPlace {
  const { subnets, ...rest } = site as unknown as Omit<AwsPlace, 'subnets'> & { subnets: string };
  return { ...rest, subnets: subnets.split(' ') };
}

async function succeeds(attempt: Promise<unknown>): Promise<boolean> {
  try {
    await attempt;
    return true;
  } catch (error) {
    if (codeOf(error) === 'AccessDenied') return false;
    throw error;
  }
}

function unguarded({ externalId, roleArn }: AwsPlace): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', `role ${roleArn} accepts any external id`, {
    hint: `Set the condition sts:ExternalId in its trust policy to "${externalId}".`,
  });
}

function otherAccount({ accountId, roleArn }: AwsPlace, actual: string): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', `role ${roleArn} is in account ${actual}, and the placement names ${accountId}`, {
    hint: 'Set account_id and role_arn of the placement to the same account.',
  });
}
