import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';

import type { Clock } from '../wire/clock.js';
import { isBody, type Body } from './json.js';
import type { Settings } from './settings.js';
import type { Tokens } from './tokens.js';
import type { World } from './world.js';

/** A provider of a workload identity pool: whose tokens it takes. */
export interface Provider {
  readonly resourceName: string;
  readonly serviceAccount: string;
  /** The only issuer; undefined until one is named, and nothing is taken then. */
  issuer: string | undefined;
  /** The issuer's public keys; it takes nothing while there are none. */
  keys: readonly Body[];
  /** Audiences beside the provider's own name. */
  audiences: readonly string[];
}

/** What the two services of identity act on. */
export interface IdentityCloud {
  readonly provider: Provider;
  readonly tokens: Tokens;
  readonly settings: Settings;
  readonly world: World;
  readonly clock: Clock;
}

/** An error as the token service answers it, by OAuth. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** An error as the newer of Google's services answer it. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: string;
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const tokenTypes = ['urn:ietf:params:oauth:token-type:jwt', 'urn:ietf:params:oauth:token-type:id_token'];
const cloudScope = 'https://www.googleapis.com/auth/cloud-platform';
const longestTokenSeconds = 24 * 3600;

/** `sts.googleapis.com/v1/token`: a token of another issuer for one of Google's, which opens only what its subject was given. */
export function exchangeToken(cloud: IdentityCloud, given: (name: string) => string): object {
  const { provider, settings, tokens, world } = cloud;
  const resource = provider.resourceName;
  if (given('grant_type') !== exchange) throw new TokenError('unsupported_grant_type', 'Grant type is not supported.');
  if (given('audience') !== `//iam.googleapis.com/${resource}`) {
    throw new TokenError('invalid_target', 'The target service indicated by the "audience" parameters is invalid.');
  }
  if (!tokenTypes.includes(given('subject_token_type'))) throw new TokenError('invalid_request', 'Invalid value for "subject_token_type".');
  if (given('scope') === '') throw new TokenError('invalid_scope', 'Required parameter is missing: scope');
  const subject = verifiedSubject(cloud, given('subject_token'));
  const pool = resource.slice(0, resource.indexOf('/providers/'));
  const name = `principal://iam.googleapis.com/${pool.replace(/^projects\/[^/]+/, `projects/${world.projectNumber}`)}/subject/${subject}`;
  const seconds = Math.min(3600, settings.tokenSeconds);
  return {
    access_token: tokens.issue({ name, kind: 'federated' }, seconds),
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: seconds,
  };
}

function verifiedSubject({ clock, provider }: IdentityCloud, token: string): string {
  const [head = '', claims = '', signature = ''] = token.split('.');
  const [header, payload] = [decode(head), decode(claims)];
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const refuse = (why: string) => new TokenError('invalid_grant', why);
  if (provider.issuer === undefined || provider.keys.length === 0) throw refuse('The provider has no issuer or keys yet.');
  if (text(payload['iss']) !== provider.issuer) {
    throw refuse(`The issuer in ID Token ${text(payload['iss'])} does not match the expected ones: ${provider.issuer}`);
  }
  if (header['alg'] !== 'RS256') throw refuse(`Signing algorithm ${text(header['alg'])} is not supported.`);
  const key = provider.keys.find(({ kid }) => kid === header['kid']);
  if (key === undefined) throw refuse('Error connecting to the given credential issuer: no key of this id.');
  const publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' });
  const signed = Buffer.from(`${head}.${claims}`);
  if (!verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))) throw refuse('Invalid JWT signature.');
  const own = [`//iam.googleapis.com/${provider.resourceName}`, `https://iam.googleapis.com/${provider.resourceName}`];
  const audiences = [payload['aud']].flat().map(text);
  const allowed = provider.audiences.length > 0 ? provider.audiences : own;
  if (!audiences.some((one) => allowed.includes(one))) {
    throw refuse(`The audience in ID Token [${audiences.join(', ')}] does not match the expected audience.`);
  }
  const [issued, ends] = [Number(payload['iat']), Number(payload['exp'])];
  const now = clock.now() / 1000;
  if (!(ends > now)) throw refuse('ID Token issued at is stale to sign-in.');
  // Clocks of two hosts differ by a little.
  if (!(issued < now + 60) || ends - issued > longestTokenSeconds) throw refuse('The ID token has wrong times.');
  const subject = text(payload['sub']);
  if (subject === '' || Buffer.byteLength(subject) > 127)
    throw refuse('The size of mapped attribute google.subject exceeds 127 bytes, or is 0.');
  return subject;
}

function decode(part: string): Body {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    if (isBody(value)) return value;
  } catch (error) {
    throw new TokenError('invalid_request', `Unable to parse the ID Token: ${String(error)}`);
  }
  throw new TokenError('invalid_request', 'Unable to parse the ID Token.');
}

/** `iamcredentials…:generateAccessToken`: a service account's own token, for whoever was let act as it. */
export function generateAccessToken(cloud: IdentityCloud, caller: string, account: string, body: Body): object {
  const { clock, provider, settings, tokens } = cloud;
  const [, subject] = /^principal:.*\/subject\/(.*)$/.exec(caller) ?? [];
  const allowed = subject === undefined || settings.subjects.some((one) => one === '*' || one === subject);
  if (account !== provider.serviceAccount || !allowed) {
    const said = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).";
    throw new StatusError(403, 'PERMISSION_DENIED', said);
  }
  const scopes = body['scope'];
  if (!Array.isArray(scopes) || !scopes.includes(cloudScope)) {
    throw new StatusError(400, 'INVALID_ARGUMENT', 'Request contains an invalid argument: scope');
  }
  const lifetime = typeof body['lifetime'] === 'string' ? body['lifetime'] : '3600s';
  const asked = Number(/^(\d+)s$/.exec(lifetime)?.[1] ?? Number.NaN);
  if (!(asked > 0 && asked <= 3600)) throw new StatusError(400, 'INVALID_ARGUMENT', 'Request contains an invalid argument: lifetime');
  const seconds = Math.min(asked, settings.tokenSeconds);
  const accessToken = tokens.issue({ name: account, kind: 'account' }, seconds);
  return { accessToken, expireTime: new Date(clock.now() + seconds * 1000).toISOString() };
}

/** `iam…/providers/…`: whose tokens the provider takes, as `gcloud iam workload-identity-pools providers update-oidc` sets it. */
export function changeProvider(provider: Provider, body: Body): object {
  const oidc = isBody(body['oidc']) ? body['oidc'] : {};
  const { allowedAudiences, issuerUri, jwksJson } = oidc;
  if (typeof issuerUri === 'string') provider.issuer = issuerUri;
  if (Array.isArray(allowedAudiences)) provider.audiences = allowedAudiences.map(String);
  if (typeof jwksJson === 'string') provider.keys = keysOf(jwksJson);
  return { name: `${provider.resourceName}/operations/done`, done: true, response: describeProvider(provider) };
}

/** The provider as answers have it. */
export function describeProvider({ audiences, issuer, keys, resourceName }: Provider): object {
  return {
    name: resourceName,
    state: 'ACTIVE',
    attributeMapping: { 'google.subject': 'assertion.sub' },
    oidc: { issuerUri: issuer ?? '', allowedAudiences: audiences, jwksJson: JSON.stringify({ keys }) },
  };
}

function keysOf(text: string): readonly Body[] {
  try {
    const set: unknown = JSON.parse(text);
    const keys = isBody(set) ? set['keys'] : undefined;
    if (Array.isArray(keys) && keys.every((one) => isBody(one) && one['kty'] === 'RSA')) return keys as readonly Body[];
  } catch (error) {
    throw new StatusError(400, 'INVALID_ARGUMENT', `Invalid JWKS: ${String(error)}`);
  }
  throw new StatusError(400, 'INVALID_ARGUMENT', 'Invalid JWKS: a list of RSA keys is expected.');
}
