import {
  type Group,
  GroupSchema,
  type Role,
  RoleSchema,
  type ServiceProfile,
  ServiceProfileSchema,
  type TenantBinding,
  TenantBindingSchema,
} from '@murmur/api';
import { sql } from 'kysely';

import { PLATFORM_TENANT } from '../catalog/context.js';
import { decodeSpec } from '../catalog/store.js';
import type { Queryable } from '../database/tables.js';
import { profileOf } from './subject.js';

interface Named<Spec> {
  readonly name: string;
  readonly spec: Spec;
}

/** The resources that decide what one subject may do. */
export interface AccessRows {
  readonly roles: readonly Named<Role>[];
  /** Only those the subject may be in. */
  readonly groups: readonly Named<Group>[];
  readonly bindings: readonly Named<TenantBinding>[];
  /** Only those that anybody may assume, and the subject itself. */
  readonly profiles: readonly Named<ServiceProfile>[];
}

/**
 * Reads them in one query. The platform contributes its roles and nothing else: only a tenant's own binding gives anything
 * away. Groups without the subject stay in the database, since their lists of members can be long.
 */
export async function readAccessRows(database: Queryable, { tenant, subject }: { tenant: string; subject: string }): Promise<AccessRows> {
  const rows = await database
    .selectFrom('resources')
    .select(['kind', 'name', 'spec'])
    .where((where) =>
      where.or([
        where.and([where('tenant', 'in', [tenant, PLATFORM_TENANT]), where('kind', '=', 'role')]),
        where.and([where('tenant', '=', tenant), where('kind', '=', 'tenant-binding')]),
        where.and([
          where('tenant', '=', tenant),
          where('kind', '=', 'group'),
          sql<boolean>`(jsonb_exists(spec -> 'members', ${subject}::text) or spec -> 'all_tenant_members' = 'true'::jsonb)`,
        ]),
        where.and([
          where('tenant', '=', tenant),
          where('kind', '=', 'service-profile'),
          where.or([where('name', '=', profileOf(subject) ?? ''), sql<boolean>`jsonb_exists(spec, 'grants')`]),
        ]),
      ]),
    )
    .orderBy('name')
    .execute();
  const of = <Spec>(kind: string, decode: (spec: object) => Spec): Named<Spec>[] =>
    rows.filter((row) => row.kind === kind).map(({ name, spec }) => ({ name, spec: decode(spec) }));
  return {
    roles: of('role', (spec) => decodeSpec(RoleSchema, spec)),
    groups: of('group', (spec) => decodeSpec(GroupSchema, spec)),
    bindings: of('tenant-binding', (spec) => decodeSpec(TenantBindingSchema, spec)),
    profiles: of('service-profile', (spec) => decodeSpec(ServiceProfileSchema, spec)),
  };
}
