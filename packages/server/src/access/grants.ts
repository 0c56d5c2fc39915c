import type { TenantBinding } from '@murmur/api';

import { matchesName } from './name-pattern.js';
import type { AccessRows } from './read-rows.js';
import { profileOf } from './subject.js';

/** One thing a caller holds, and through what. */
export interface Grant {
  /** `recipe.edit`, `recipe.*`, `*.read` or `*`. */
  readonly permission: string;
  /** For resources of which names; `*` stands for any characters. */
  readonly names: string;
  /** The sentence that tells where it comes from. */
  readonly source: string;
}

/** Whether what is held covers `{kind}.{verb}`. */
export function covers(held: string, permission: string): boolean {
  if (held === '*' || held === permission) return true;
  const [kind, verb] = permission.split('.');
  return held === `${kind}.*` || held === `*.${verb}`;
}

/** Whether the grant gives the permission for a resource of this name. */
export function gives(grant: Grant, permission: string, name: string): boolean {
  return covers(grant.permission, permission) && matchesName(grant.names, name);
}

/** What the subject holds by these roles, groups, bindings and service profiles. */
export function grantsOf(subject: string, rows: AccessRows): Grant[] {
  const profile = profileOf(subject);
  // The keys of a service profile that was removed open nothing, whatever bindings still name it.
  if (profile !== undefined && !rows.profiles.some(({ name }) => name === profile)) return [];
  const groups = rows.groups
    .filter(({ spec }) => (spec.allTenantMembers && profile === undefined) || spec.members.includes(subject))
    .map(({ name }) => name);
  return [
    ...rows.bindings.flatMap(({ name, spec }) => boundBy(name, spec)),
    ...rows.profiles.flatMap(({ name, spec }) => lentBy(name, spec)),
  ];

  function boundBy(binding: string, spec: TenantBinding): Grant[] {
    const holder = holderIn(spec.users, spec.groups);
    if (holder === undefined) return [];
    const role = spec.roleRef === '' ? undefined : rows.roles.find(({ name }) => name === spec.roleRef);
    const names = /^\**$/.test(spec.namePattern) ? '*' : spec.namePattern;
    const only = names === '*' ? '' : ` for names matching "${names}"`;
    const from = (permission: string, what: string): Grant => ({
      permission,
      names,
      source: `tenant-binding "${binding}" gives ${what} to ${holder}${only}`,
    });
    return [
      ...(role?.spec.permissions ?? []).map((permission) => from(permission, `role "${spec.roleRef}" (${permission})`)),
      ...spec.permissions.map((permission) => from(permission, permission)),
    ];
  }

  function lentBy(name: string, spec: AccessRows['profiles'][number]['spec']): Grant[] {
    const named = (field: 'user' | 'group') =>
      spec.grants.flatMap(({ grantee }) => (grantee.case === field && grantee.value !== '' ? [grantee.value] : []));
    const holder = holderIn(named('user'), named('group'));
    return holder === undefined
      ? []
      : [{ permission: 'service-profile.assume', names: name, source: `service-profile "${name}" may be assumed by ${holder}` }];
  }

  /** As whom the subject is meant, if it is. */
  function holderIn(users: readonly string[], groupNames: readonly string[]): string | undefined {
    if (users.includes(subject)) return subject;
    const group = groupNames.find((name) => groups.includes(name));
    return group === undefined ? undefined : `group "${group}"`;
  }
}
