import { refusal } from '@murmur/api';

import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Logger } from 'pino';

import { signInErrors } from './errors.js';
import { databaseNow } from '../database/clock.js';
import type { Database } from '../database/tables.js';
import type { Identity } from './identity.js';
import { defaultKeyTiming, IssuerAway, issuerKeys, type KeyTiming } from './oidc-keys.js';
import { isTenantId } from './tenant-id.js';

/** An issuer of OIDC tokens, as the operator's configuration names it. */
export interface IssuerConfig {
  /** Its URL, exactly as its tokens have it. */
  readonly issuer: string;
  /** What a token must be meant for. */
  readonly audience: string;
  /** The client that `murmur auth login` uses there. */
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** The tenant of all its tokens, or the claim that names it. */
  readonly tenant: { readonly id: string } | { readonly claim: string };
  /** The claim that says who somebody is. */
  readonly subjectClaim: string;
  /** Put before it, so that the people of two issuers cannot be taken for each other. */
  readonly subjectPrefix: string;
  /** What a token must say beside, by claim: that text, or a list with it. */
  readonly requiredClaims?: Readonly<Record<string, string>>;
  /** The clients beside {@link clientId} and the audience itself that its tokens may have been made for. */
  readonly authorizedParties?: readonly string[];
}

/** The issuers whose tokens this server takes. */
export interface Issuers {
  readonly configured: readonly IssuerConfig[];
  /**
   * The holder of a token; undefined, with the reason in the log, for one that is not to be believed. Throws UNAVAILABLE
   * when its issuer does not answer, for then it may be as good as any.
   */
  identify(database: Database, token: string): Promise<Identity | undefined>;
}

/** A server that takes API keys only. */
export const noIssuers: Issuers = { configured: [], identify: async () => undefined };

/** Signatures anybody can check and only the issuer can make: never `none`, never a secret that both sides know. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

/** Clocks differ a little. */
const clockToleranceSeconds = 30;

/** More than any header carries; what is longer is not worth the time to look at it. */
const longestToken = 16 * 1024;

const longestSubject = 255;

/** What of a stranger's claim goes to the log. */
const longestIssuer = 200;

/** Tells the tokens of these issuers. Nothing is fetched before the first token comes. */
export function createIssuers(configured: readonly IssuerConfig[], log: Logger, timing: KeyTiming = defaultKeyTiming): Issuers {
  const known = new Map(configured.map((config) => [config.issuer, { config, keys: issuerKeys(config.issuer, timing) }]));
  return {
    configured,
    async identify(database, token) {
      const issuer = issuerOf(token);
      const entry = issuer === undefined ? undefined : known.get(issuer);
      if (entry === undefined) {
        log.info({ issuer: issuer?.slice(0, longestIssuer) }, 'a token was refused: no configured issuer made it');
        return undefined;
      }
      try {
        const now = await databaseNow(database);
        return await believe(database, entry.config, { now, claims: await verified(token, { ...entry, now }) });
      } catch (thrown) {
        if (thrown instanceof Refusal) {
          log.warn({ issuer, reason: thrown.message }, 'a token was refused');
          return undefined;
        }
        if (!(thrown instanceof IssuerAway)) throw thrown;
        throw refusal(signInErrors.issuerAway, [], { cause: thrown });
      }
    },
  };
}

/** Why a token is refused. */
class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** Whom a token claims to be from. Nothing else in it is looked at before its signature has been checked. */
function issuerOf(token: string): string | undefined {
  if (token.length > longestToken) return undefined;
  try {
    const { iss }: { iss?: unknown } = decodeJwt(token);
    return typeof iss === 'string' ? iss : undefined;
  } catch (thrown) {
    if (thrown instanceof errors.JOSEError) return undefined;
    throw thrown;
  }
}

async function verified(token: string, from: { config: IssuerConfig; keys: JWTVerifyGetKey; now: Date }): Promise<JWTPayload> {
  const { issuer, audience } = from.config;
  const { payload, protectedHeader } = await jwtVerify(token, from.keys, {
    issuer,
    audience,
    algorithms,
    clockTolerance: clockToleranceSeconds,
    currentDate: from.now,
    requiredClaims: ['exp', 'sub'],
  }).catch((cause: unknown) => {
    // A TypeError is about a key that does not fit its algorithm.
    throw cause instanceof errors.JOSEError || cause instanceof TypeError ? new Refusal(cause.message) : cause;
  });
  // An issuer signs other things for the same audience with the same keys, such as access and logout tokens.
  const { typ = 'JWT' } = protectedHeader;
  if (!/^(application\/)?jwt$/i.test(typ)) throw new Refusal(`its type is ${typ}, which is no identity token`);
  return payload;
}

/** Refuses a token that was made for another client of the issuer, which somebody else runs and might hand on. */
function checkParty({ audience, authorizedParties = [], clientId }: IssuerConfig, { aud, azp }: JWTPayload): void {
  if (azp === undefined) {
    // OpenID Connect Core, 3.1.3.7: only then does it say which of them asked for it.
    if (Array.isArray(aud) && aud.length > 1) throw new Refusal('it has several audiences and no azp');
    return;
  }
  const parties = [audience, clientId, ...authorizedParties].filter((party) => party !== '');
  if (typeof azp !== 'string' || !parties.includes(azp)) throw new Refusal('its azp is another client');
}

function checkRequired({ requiredClaims = {} }: IssuerConfig, claims: JWTPayload): void {
  for (const [name, wanted] of Object.entries(requiredClaims)) {
    const claimed: unknown = Object.hasOwn(claims, name) ? claims[name] : undefined;
    const isThere = Array.isArray(claimed) ? claimed.includes(wanted) : String(claimed) === wanted && typeof claimed !== 'object';
    if (claimed === undefined || !isThere) throw new Refusal(`its claim ${name} is not "${wanted}"`);
  }
}

async function believe(database: Database, config: IssuerConfig, token: { claims: JWTPayload; now: Date }): Promise<Identity> {
  const { claims, now } = token;
  checkParty(config, claims);
  checkRequired(config, claims);
  const subject = subjectOf(config, claims);
  const tenant = 'id' in config.tenant ? config.tenant.id : textClaim(claims, config.tenant.claim);
  // Above all not the platform's own.
  if (!isTenantId(tenant)) throw new Refusal(`"${tenant}" is no tenant`);
  const found = await database.selectFrom('tenants').select('id').where('id', '=', tenant).executeTakeFirst();
  if (found === undefined) throw new Refusal(`tenant "${tenant}" does not exist`);
  const at = new Date((claims.exp ?? 0) * 1000);
  return { tenant, subject, keyId: '', issuer: config.issuer, end: { at, lastsMs: at.getTime() - now.getTime() }, operator: false };
}

function subjectOf({ subjectClaim, subjectPrefix }: IssuerConfig, claims: JWTPayload): string {
  const claimed = textClaim(claims, subjectClaim);
  // Anybody can say that an address is theirs.
  if (subjectClaim === 'email' && claims['email_verified'] !== true) throw new Refusal('its email is not verified');
  const subject = `${subjectPrefix}${claimed}`;
  if (subject.length > longestSubject || /\p{Cc}/u.test(subject)) throw new Refusal(`its claim ${subjectClaim} is no name`);
  // Service profiles are the tenant's own; no issuer may speak for them.
  if (subject.startsWith('service-profile/')) throw new Refusal(`"${subject}" is reserved for service profiles`);
  return subject;
}

function textClaim(claims: JWTPayload, name: string): string {
  const value = claims[name];
  if (typeof value !== 'string' || value === '') throw new Refusal(`it has no claim ${name}`);
  return value;
}
