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
  /** The roles of those bindings. */
  readonly roles: readonly Named<Role>[];
  /** The groups the subject is in. */
  readonly groups: readonly Named<Group>[];
  /** The bindings that name the subject or one of its groups. */
  readonly bindings: readonly Named<TenantBinding>[];
  /** The service profiles the subject may assume, and the one that it is. */
  readonly profiles: readonly Named<ServiceProfile>[];
}

/**
 * Reads them in one query. The platform contributes its roles and nothing else: only a tenant's own binding gives anything
 * away. What is not about the subject stays in the database, however much of it there is.
 */
export async function readAccessRows(database: Queryable, { tenant, subject }: { tenant: string; subject: string }): Promise<AccessRows> {
  const profile = profileOf(subject);
  const { rows } = await sql<{ kind: string; name: string; spec: object }>`
    with own as not materialized (select kind, name, spec from resources where tenant = ${tenant}),
    belongs as (
      select * from own
      where kind = 'group' and (
        jsonb_exists(spec -> 'members', ${subject}) or (${profile === undefined} and spec -> 'all_tenant_members' = 'true')
      )
    ),
    bound as (
      select * from own
      where kind = 'tenant-binding'
        and (jsonb_exists(spec -> 'users', ${subject}) or jsonb_exists_any(spec -> 'groups', array(select name from belongs)))
    ),
    assumable as (
      select * from own
      where kind = 'service-profile' and (name = ${profile ?? ''} or exists (
        select from jsonb_array_elements(spec -> 'grants') as given
        where given ->> 'user' = ${subject} or given ->> 'group' in (select name from belongs)
      ))
    ),
    roles as (
      select kind, name, spec from resources
      where tenant in (${tenant}, ${PLATFORM_TENANT}) and kind = 'role' and name in (select spec ->> 'role_ref' from bound)
    )
    select * from belongs union all select * from bound union all select * from assumable union all select * from roles
    order by name`.execute(database);
  const of = <Spec>(kind: string, decode: (spec: object) => Spec): Named<Spec>[] =>
    rows.filter((row) => row.kind === kind).map(({ name, spec }) => ({ name, spec: decode(spec) }));
  return {
    roles: of('role', (spec) => decodeSpec(RoleSchema, spec)),
    groups: of('group', (spec) => decodeSpec(GroupSchema, spec)),
    bindings: of('tenant-binding', (spec) => decodeSpec(TenantBindingSchema, spec)),
    profiles: of('service-profile', (spec) => decodeSpec(ServiceProfileSchema, spec)),
  };
}
