import { createHash } from 'node:crypto';

import canonicalize from 'canonicalize';

import type { TenantKey } from '../../secrets/tenant-keys.js';
import type { ArchitectureName, SubstrateName } from '../../substrates/substrate.js';

/** Raised when the meaning of the hashed document changes, so that no image of an older meaning is taken for a new one. */
const schemaVersion = 1;

/** Everything that decides what an image is. */
export interface IdentityInputs {
  readonly substrate: SubstrateName;
  readonly scope: string;
  /** The base image's immutable id. */
  readonly baseId: string;
  readonly architecture: ArchitectureName;
  /** 0 when the environment keeps the image's own size. */
  readonly diskSizeGb: number;
  readonly script: string;
  readonly secretAllowlist: readonly string[];
  /** What `-e` forwards. Values of allow-listed names are credentials and stay out of the identity. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * The image hash: SHA-256 in hex over the RFC 8785 canonical JSON of a bake's inputs. A forwarded value takes part only as
 * an HMAC under the tenant's key, so that a hash never helps to guess it.
 */
export function imageHash(inputs: IdentityInputs, key: Pick<TenantKey, 'hmac'>): string {
  const declared = new Set(inputs.secretAllowlist);
  const variables = Object.entries(inputs.variables)
    .filter(([name]) => !declared.has(name))
    .map(([name, value]) => [name, key.hmac(`bake variable ${name}`, value)] as const);
  const document = {
    schema_version: schemaVersion,
    substrate: inputs.substrate,
    scope: inputs.scope,
    base: inputs.baseId,
    architecture: inputs.architecture,
    ...(inputs.diskSizeGb === 0 ? {} : { disk_size_gb: inputs.diskSizeGb }),
    script: createHash('sha256').update(inputs.script, 'utf8').digest('hex'),
    secret_allowlist: [...declared].toSorted(),
    variables: Object.fromEntries(variables),
  };
  return createHash('sha256').update(canonicalJson(document), 'utf8').digest('hex');
}

// The package is CommonJS whose declarations describe an ES module: what Node imports is the function itself.
const serialize = canonicalize as unknown as (value: unknown) => string | undefined;

/** A value as RFC 8785 canonical JSON. */
export function canonicalJson(value: unknown): string {
  const text = serialize(value);
  if (text === undefined) throw new TypeError('this value has no JSON form');
  return text;
}
