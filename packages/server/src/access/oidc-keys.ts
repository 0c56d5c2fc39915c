import { createRemoteJWKSet, errors, type JWTVerifyGetKey, type RemoteJWKSet } from 'jose';

/** How patient and how forgetful the look at an issuer's keys is, in milliseconds. */
export interface KeyTiming {
  /** How long one request to the issuer may take. */
  readonly timeoutMs: number;
  /** How long keys are believed without asking again: a key the issuer has withdrawn is accepted for so long. */
  readonly maxAgeMs: number;
  /** How often at most a token with an unknown key makes the server ask again. */
  readonly cooldownMs: number;
}

/** What every server uses. */
export const defaultKeyTiming: KeyTiming = { timeoutMs: 3000, maxAgeMs: 10 * 60_000, cooldownMs: 30_000 };

/** What the look for a token's key throws about the token itself. */
const faultsOfTheToken = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

/** The issuer's keys cannot be had now, so that nothing can be said about a token. */
export class IssuerAway extends Error {
  override readonly name = 'IssuerAway';
}

/**
 * The keys an issuer signs with, found through its discovery document when first needed and kept. Throws
 * {@link IssuerAway} when they cannot be fetched; what it throws for a key that is not among them is jose's own.
 */
export function issuerKeys(issuer: string, timing: KeyTiming): JWTVerifyGetKey {
  let discovered: Promise<RemoteJWKSet> | undefined;
  return async (header, token) => {
    const current = (discovered ??= discover(issuer, timing));
    let keys: RemoteJWKSet | undefined;
    try {
      keys = await current;
      return await keys(header, token);
    } catch (cause) {
      if (faultsOfTheToken.some((fault) => cause instanceof fault)) throw cause;
      // The keys may have moved. Those that can still be believed stay: an unknown key alone must not lock everybody out.
      if (keys?.fresh !== true && discovered === current) discovered = undefined;
      throw new IssuerAway(`the keys of ${issuer} cannot be fetched: ${reason(cause)}`, { cause });
    }
  };
}

async function discover(issuer: string, { timeoutMs, maxAgeMs, cooldownMs }: KeyTiming): Promise<RemoteJWKSet> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${address} answers ${response.status}`);
  const document: unknown = await response.json();
  const { issuer: itself, jwks_uri: jwksUri } = document as { issuer?: unknown; jwks_uri?: unknown };
  if (itself !== issuer) throw new Error(`${address} speaks for ${JSON.stringify(itself)}`);
  if (typeof jwksUri !== 'string' || !URL.canParse(jwksUri)) throw new Error(`${address} has no jwks_uri`);
  const keysAt = new URL(jwksUri);
  // An issuer reached safely must not send us on over a wire that anybody can write to.
  if (keysAt.protocol !== 'https:' && keysAt.protocol !== new URL(issuer).protocol) throw new Error(`${jwksUri} is not https`);
  return createRemoteJWKSet(keysAt, { timeoutDuration: timeoutMs, cacheMaxAge: maxAgeMs, cooldownDuration: cooldownMs });
}

function reason(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? `${thrown.message} (${thrown.cause.message})` : thrown.message;
}
