import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type CryptoKey, type JWK, SignJWT } from 'jose';

import { PLATFORM_TENANT } from '../catalog/context.js';
import type { Database } from '../database/tables.js';
import type { TenantKeys } from '../secrets/tenant-keys.js';

/**
 * This installation as an issuer of identities (OpenID Connect): what a cloud is shown in place of a key file. It says which tenant
 * asks, to one audience, for a few minutes.
 */
export interface OwnIssuer {
  /** Its name; nothing need be served at it for a cloud that was given the keys. */
  readonly url: string;
  sign(claims: { readonly subject: string; readonly audience: string }): Promise<string>;
  /** The document at `/.well-known/openid-configuration`. */
  configuration(): object;
  /** The public keys, at `/.well-known/jwks.json`. */
  jwks(): Promise<{ readonly keys: readonly JWK[] }>;
}

const algorithm = 'RS256';
const lifetime = '10m';

interface Keys {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/** The issuer of this name. Its key is made when it is first asked for, once for all servers on the database. */
export function createOwnIssuer(options: {
  readonly database: Database;
  readonly tenantKeys: TenantKeys;
  readonly url: string;
}): OwnIssuer {
  const { url } = options;
  let loading: Promise<Keys> | undefined;
  const keys = (): Promise<Keys> => {
    if (loading !== undefined) return loading;
    const made = loadKeys(options);
    loading = made;
    // A failure is told to whoever asked, and not remembered.
    made.catch(() => (loading = undefined));
    return made;
  };
  return {
    url,
    async sign({ audience, subject }) {
      const { kid, privateKey } = await keys();
      const token = new SignJWT().setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' });
      return token.setIssuer(url).setSubject(subject).setAudience(audience).setIssuedAt().setExpirationTime(lifetime).sign(privateKey);
    },
    configuration: () => ({
      issuer: url,
      jwks_uri: `${url}/.well-known/jwks.json`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [algorithm],
    }),
    jwks: async () => ({ keys: [(await keys()).publicJwk] }),
  };
}

async function loadKeys({ database, tenantKeys }: { readonly database: Database; readonly tenantKeys: TenantKeys }): Promise<Keys> {
  const platform = await tenantKeys.of(PLATFORM_TENANT);
  const read = () => database.selectFrom('issuer_key').select(['kid', 'sealed']).executeTakeFirst();
  let row = await read();
  if (row === undefined) {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { modulusLength: 2048, extractable: true });
    const kid = await calculateJwkThumbprint(await exportJWK(publicKey));
    const sealed = platform.seal(Buffer.from(await exportPKCS8(privateKey)), placeOf(kid));
    // Another server may be first: its key is everybody's.
    await database
      .insertInto('issuer_key')
      .values({ kid, sealed })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    row = await read();
  }
  if (row === undefined) throw new Error("the issuer's key was removed while it was made");
  const { kid, sealed } = row;
  const privateKey = await importPKCS8(platform.open(sealed, placeOf(kid)).toString(), algorithm, { extractable: true });
  const { e = '', n = '' } = await exportJWK(privateKey);
  return { kid, privateKey, publicJwk: { kty: 'RSA', alg: algorithm, use: 'sig', kid, n, e } };
}

function placeOf(kid: string): string {
  return `issuer key ${kid}`;
}
