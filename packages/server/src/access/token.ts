import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

/** An API key as its holder has it: `mur_<id>.<secret>`. */
export interface Token {
  /** Public: names the key in the database and in logs. */
  readonly id: string;
  readonly secret: string;
}

const pattern = /^mur_([a-z0-9]{12})\.([A-Za-z0-9_-]{43})$/;
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A new token with 32 bytes of secret. */
export function newToken(): Token {
  const id = Array.from({ length: 12 }, () => alphabet.charAt(randomInt(alphabet.length))).join('');
  return { id, secret: randomBytes(32).toString('base64url') };
}

/** The token as it is handed out and sent. */
export function printToken(token: Token): string {
  return `mur_${token.id}.${token.secret}`;
}

/** Reads what {@link printToken} printed; undefined for anything else. */
export function parseToken(text: string): Token | undefined {
  const [, id, secret] = pattern.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** What the database keeps of a secret. A plain SHA-256 will do, as no dictionary holds 32 random bytes. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Whether the secret is the one that was hashed, in a time that does not depend on how much of it is right. */
export function matchesHash(secret: string, hash: Buffer): boolean {
  const own = hashSecret(secret);
  return own.length === hash.length && timingSafeEqual(own, hash);
}
