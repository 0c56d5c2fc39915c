import type { EC2Client } from '@aws-sdk/client-ec2';

import { askPatiently } from '../cloud/asking.js';
import type { Pauses } from '../cloud/pauses.js';
import type { Site, Token } from '../substrate.js';
import { asFault, isExpired, kindOf } from './faults.js';
import { placeOf } from './place.js';
import { assertGuarded, openSession, type AwsConfiguration, type Session } from './session.js';

/** A site's account, used in the name of one run. */
export interface Account {
  /** Opens a session, unless there is one: throws why the server is not let in. */
  open(): Promise<void>;
  /**
   * Makes a call that may be repeated, again while that may help: throttling and lost answers for minutes, sessions that are over.
   * A `patient` one waits also for what is in use or not to be seen yet.
   */
  ask<T>(signal: AbortSignal, use: (client: EC2Client) => Promise<T>, how?: 'patient'): Promise<T>;
  /** Makes a call that is not the same when it is repeated: again only where it had no effect for sure. */
  askOnce<T>(signal: AbortSignal, use: (client: EC2Client) => Promise<T>): Promise<T>;
}

/** The accounts that sites are in. */
export interface AwsAccounts {
  /** Named for the run that the token belongs to, so that the account's own records tell the runs apart. */
  of(site: Site, token?: Token): Account;
  close(): void;
}

/** A role's trust policy is tried this often: somebody may have opened it meanwhile. */
const guardMs = 3_600_000;

/** Opens sessions as they are needed and keeps each for as long as it lasts, in memory. */
export function createAccounts(configuration: AwsConfiguration, pauses: Pauses): AwsAccounts {
  const sessions = new Map<string, Promise<Session>>();
  /** Until when a role is known to keep others out. */
  const guarded = new Map<string, Promise<number>>();

  /** What succeeded is kept, and what failed is tried again. */
  const kept = <T>(map: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> => {
    const known = map.get(key);
    if (known !== undefined) return known;
    const made = make();
    map.set(key, made);
    made.catch(() => {
      if (map.get(key) === made) map.delete(key);
    });
    return made;
  };
  const sessionOf = async (key: string, site: Site, name: string): Promise<Session> => {
    const place = placeOf(site);
    for (;;) {
      const guard = kept(guarded, place.roleArn, async () => {
        await assertGuarded(configuration, place);
        return Date.now() + guardMs;
      });
      if ((await guard) < Date.now()) guarded.delete(place.roleArn);
      const opening = kept(sessions, key, () => openSession(configuration, place, name));
      const session = await opening;
      if (session.until > Date.now()) return session;
      if (sessions.get(key) === opening) sessions.delete(key);
    }
  };
  /** The runs of sessions that are over do not come back. */
  const forgetEnded = async () => {
    for (const [key, opening] of sessions) {
      const ended = await opening.then(
        ({ until }) => until < Date.now(),
        () => true,
      );
      if (ended && sessions.get(key) === opening) sessions.delete(key);
    }
  };

  return {
    of(site, token) {
      const { accountId, externalId, region, roleArn } = placeOf(site);
      const name = sessionName(token);
      const key = JSON.stringify([accountId, region, roleArn, externalId, name]);
      const asking = { pauses, asFault, isExpired, renew: () => void sessions.delete(key) };
      const call = <T>(use: (client: EC2Client) => Promise<T>) => {
        return async () => {
          if (!sessions.has(key)) await forgetEnded();
          return use((await sessionOf(key, site, name)).client);
        };
      };
      return {
        async open() {
          try {
            await sessionOf(key, site, name);
          } catch (error) {
            throw asFault(error);
          }
        },
        ask: (signal, use, how) => askPatiently(call(use), { ...asking, signal, kindOf, isPatient: how === 'patient' }),
        askOnce: (signal, use) => askPatiently(call(use), { ...asking, signal, kindOf: () => undefined }),
      };
    },
    close() {
      for (const opening of sessions.values())
        void opening.then(
          ({ client }) => client.destroy(),
          () => undefined,
        );
      sessions.clear();
    },
  };
}

/** A session's name, for which AWS takes 2 to 64 of few characters. */
function sessionName(token: Token | undefined): string {
  const run = token?.replace(/-\d+-[a-z-]+$/, '') ?? 'upkeep';
  return `murmur-${run.replaceAll(/[^\w+=,.@-]/g, '-')}`.slice(0, 64);
}
