import { randomBytes } from 'node:crypto';

import { ApiError } from './errors.js';
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
}

/** A role and the external ids its trust policy accepts; undefined accepts any and none. */
export interface Role {
  readonly arn: string;
  readonly externalIds: readonly string[] | undefined;
}

/** Everybody who may call, in one account. */
export interface Accounts {
  readonly accountId: string;
  /** The long-lived user that assumes roles. */
  readonly user: Credentials;
  readonly roles: Map<string, Role>;
  /** Credentials of a session of this role. */
  openSession(roleArn: string, sessionName: string, seconds: number): Credentials;
  /** The holder of the key that a request names. Throws what AWS answers for a key, token or session that is not good. */
  holderOf(accessKeyId: string, request: SignedRequest): Credentials;
}

/** An account with one user and no roles. */
export function createAccounts(accountId: string, clock: Clock): Accounts {
  const holders = new Map<string, Credentials>();
  const add = (prefix: string, rest: Omit<Credentials, 'accessKeyId' | 'secretAccessKey'>): Credentials => {
    const made = { accessKeyId: `${prefix}${name(16)}`, secretAccessKey: randomBytes(30).toString('base64'), ...rest };
    holders.set(made.accessKeyId, made);
    return made;
  };
  return {
    accountId,
    user: add('AKIA', { arn: `arn:aws:iam::${accountId}:user/murmur`, userId: `AIDA${name(16)}` }),
    roles: new Map(),
    openSession: (roleArn, sessionName, seconds) =>
      add('ASIA', {
        arn: `arn:aws:sts::${accountId}:assumed-role/${roleArn.split('/').at(-1) ?? ''}/${sessionName}`,
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
}

function name(length: number): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return [...randomBytes(length)].map((byte) => letters[byte % letters.length] ?? '').join('');
}
