import { refusal } from '@murmur/api';
import { sql } from 'kysely';

import { PLATFORM_TENANT, type Reader } from '../../catalog/context.js';
import { readSecretValue } from '../../catalog/secret-values.js';
import type { Database, Queryable } from '../../database/tables.js';
import type { TenantKeys } from '../../secrets/tenant-keys.js';
import type { Rights, Substrate } from '../../substrates/substrate.js';
import { bakeErrors } from '../errors.js';
import { imageCallErrors } from './errors.js';
import { prefixed } from '../starting/substrates.js';

/** Where rights are looked up. */
export interface RightsParts {
  readonly database: Database;
  readonly tenantKeys: TenantKeys;
}

/**
 * What somebody may use for a bake, a trial or an export: of artifacts that lie side by side what their tenant baked and what the
 * platform built, and the secrets for which they have `secret.assume`.
 */
export function rightsOf(parts: RightsParts, { permits, tenant }: Reader): Rights {
  return {
    mayUse: (immutableId) => isOwn(parts.database, tenant, immutableId),
    async secret(name) {
      // Before it is looked up: whoever may not use a secret does not learn whether it is there.
      permits.require('secret.assume', name);
      return secretOf(parts, tenant, name);
    },
  };
}

/** The value of a tenant's secret, for what was let use it before. Throws FAILED_PRECONDITION when there is no such secret. */
export async function secretOf({ database, tenantKeys }: RightsParts, tenant: string, name: string): Promise<string> {
  const value = await readSecretValue(database, tenantKeys, tenant, name);
  if (value !== undefined) return value;
  throw refusal(imageCallErrors.secretMissing, [name]);
}

async function isOwn(queryable: Queryable, tenant: string, immutableId: string): Promise<boolean> {
  const baked = await queryable
    .selectFrom('artifacts')
    .select('image_name')
    .where('tenant', '=', tenant)
    .where('image_id', '=', immutableId)
    .executeTakeFirst();
  if (baked !== undefined) return true;
  const built = await queryable
    .selectFrom('resource_generations')
    .select('name')
    .where('tenant', '=', PLATFORM_TENANT)
    .where('kind', '=', 'image')
    .where(sql<boolean>`strpos(spec::text, ${immutableId}) > 0`)
    .executeTakeFirst();
  return built !== undefined;
}

/** Throws FAILED_PRECONDITION when the substrate is the server's own host and the tenant may not place machines there. */
export function checkServesTenant({ permits }: Reader, { local, name }: Substrate): void {
  if (local && !permits.usesHost) throw refusal(bakeErrors.substrateAbsent, [prefixed(name)]);
}
