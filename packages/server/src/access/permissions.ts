import { MurmurError } from '@murmur/api';

import type { Identity } from './identity.js';

const verbs = ['read', 'list', 'create', 'edit', 'delete', 'assume'] as const;

/** What can be done to a resource, as permissions name it. */
export type PermissionVerb = (typeof verbs)[number];

/** What one identity holds: patterns such as `*`, `recipe.*`, `*.read` or `recipe.edit`. */
export type Grants = readonly string[];

/** Every identity of a tenant holds everything in it, as long as nobody can write roles and bindings. */
const memberGrants: Grants = ['*'];

/** Whether the grants cover `{kind}.{verb}`. */
export function covers(grants: Grants, permission: string): boolean {
  const [kind, verb] = permission.split('.');
  return grants.some((grant) => grant === '*' || grant === permission || grant === `${kind}.*` || grant === `*.${verb}`);
}

/** Throws PERMISSION_DENIED unless the identity holds `{kind}.{verb}`, such as `recipe.edit`. */
export function requirePermission(identity: Identity, permission: string): void {
  if (!covers(grantsOf(identity), permission)) {
    throw new MurmurError('PERMISSION_DENIED', `missing permission ${permission}`);
  }
}

/** Throws PERMISSION_DENIED unless the identity also runs this installation. */
export function requireOperator(identity: Identity): void {
  if (identity.operator) return;
  throw new MurmurError('PERMISSION_DENIED', 'only an operator of this server may do that', {
    hint: 'Use the key in `admin.key` in the data directory of the server.',
  });
}

function grantsOf(_identity: Identity): Grants {
  return memberGrants;
}
