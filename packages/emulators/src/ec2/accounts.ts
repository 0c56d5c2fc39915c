import { randomBytes } from 'node:crypto';

import { ApiError } from './errors.js';
import { allows, type Policy } from './iam/policy.js';
import type { Clock } from '../wire/clock.js';
import type { SignedRequest } from './signature.js';

/** An access key with its secret, and for a session its token and end. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number;
  /** The ARN of whoever holds them. */
  readonly arn: string;
  readonly userId: string;
  /** What they may do; a user without one may do everything. */
  readonly policy?: Policy;
}

/** A role: the external ids that its trust policy accepts, where undefined accepts any and none, and what it may do. */
export interface Role {
  readonly arn: string;
  readonly externalIds: readonly string[] | undefined;
  /** What Murmur's guide gives it, unless given. */
  readonly policy?: Policy;
}

/** The documents of Murmur's guide. */
export interface GuideDocuments {
  readonly policy: Policy;
  /** Whom and which external id it names is replaced by the emulator's own. */
  readonly trust: Policy;
}

/** Everybody who may call, in one account. */
export interface Accounts {
  readonly accountId: string;
  /** The long-lived user that assumes roles. */
  readonly user: Credentials;
  readonly roles: Map<string, Role>;
  /** Whether a role's trust policy lets this caller in with this external id. */
  trusts(role: Role, caller: Credentials, externalId: string | undefined): boolean;
  /** Credentials of a session of this role. */
  openSession(role: Role, sessionName: string, seconds: number): Credentials;
  /** The holder of the key that a request names. Throws what AWS answers for a key, token or session that is not good. */
  holderOf(accessKeyId: string, request: SignedRequest): Credentials;
}

/** An account with one user and no roles. */
export function createAccounts(accountId: string, clock: Clock, guide: GuideDocuments): Accounts {
  const holders = new Map<string, Credentials>();
  const add = (prefix: string, rest: Omit<Credentials, 'accessKeyId' | 'secretAccessKey'>): Credentials => {
    const made = { accessKeyId: `${prefix}${name(16)}`, secretAccessKey: randomBytes(30).toString('base64'), ...rest };
    holders.set(made.accessKeyId, made);
    return made;
  };
  const accounts: Accounts = {
    accountId,
    user: add('AKIA', { arn: `arn:aws:iam::${accountId}:user/murmur`, userId: `AIDA${name(16)}` }),
    roles: new Map(),
    trusts(role, caller, externalId) {
      const keys = new Map(externalId === undefined ? [] : [['sts:ExternalId', [externalId]] as const]);
      const asked = { action: 'sts:AssumeRole', resource: role.arn, keys, principal: caller.arn };
      return allows(trustOf(guide.trust, accounts.user.arn, role.externalIds), asked);
    },
    openSession: (role, sessionName, seconds) =>
      add('ASIA', {
        arn: `arn:aws:sts::${accountOf(role.arn)}:assumed-role/${role.arn.split('/').at(-1) ?? ''}/${sessionName}`,
        policy: role.policy ?? guide.policy,
        userId: `AROA${name(16)}:${sessionName}`,
        sessionToken: randomBytes(120).toString('base64'),
        expiresAt: clock.now() + seconds * 1000,
      }),
    holderOf(accessKeyId, request) {
      const holder = holders.get(accessKeyId);
      if (holder === undefined) throw new ApiError('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);
      if (holder.sessionToken !== undefined && request.headers['x-amz-security-token'] !== holder.sessionToken) {
        throw new ApiError('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);
      }
      if (holder.expiresAt !== undefined && holder.expiresAt <= clock.now()) throw new ApiError('RequestExpired', 'Request has expired.');
      return holder;
    },
  };
  return accounts;
}

/** The account that an ARN names. */
export function accountOf(arn: string): string {
  return arn.split(':')[4] ?? '';
}

/** The guide's trust policy with what a tenant puts into it; without its condition where any external id will do. */
function trustOf(guide: Policy, principal: string, externalIds: readonly string[] | undefined): Policy {
  const Statement = guide.Statement.map(({ Condition, ...rest }) => ({
    ...rest,
    Principal: { AWS: principal },
    ...(externalIds === undefined || Condition === undefined ? {} : { Condition: withExternalIds(Condition, externalIds) }),
  }));
  return { ...guide, Statement };
}

function withExternalIds(condition: NonNullable<Policy['Statement'][number]['Condition']>, externalIds: readonly string[]) {
  return Object.fromEntries(
    Object.entries(condition).map(([operator, keys]) => [
      operator,
      Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, key === 'sts:ExternalId' ? externalIds : values])),
    ]),
  );
}

function name(length: number): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return [...randomBytes(length)].map((byte) => letters[byte % letters.length] ?? '').join('');
}
