import type { Permits } from '../catalog/context.js';
import type { Queryable } from '../database/tables.js';
import { missingPermission } from './denials.js';
import { type Grant, covers, gives, grantsOf } from './grants.js';
import type { Identity } from './identity.js';
import { readAccessRows } from './read-rows.js';

/** Whether a permission is held, and through what or why not. */
export interface Explanation {
  readonly allowed: boolean;
  /** One plain sentence. */
  readonly reason: string;
}

/** What one caller may do in its tenant. */
export interface Access extends Permits {
  /** Whether and why the permission is held for a resource of this name; without a name, for all of them. */
  explain(permission: string, name?: string): Explanation;
}

/**
 * What the identity may do, as roles, groups and bindings say now. It is asked anew for every call, by one query, so that what
 * is taken away is gone from the next call on. An operator may do everything in its tenant, and no query is made.
 */
export async function accessOf(database: Queryable, identity: Identity): Promise<Access> {
  if (identity.operator) {
    return access(identity.subject, [{ permission: '*', names: '*', source: `${identity.subject} is an operator of this server` }]);
  }
  return access(identity.subject, grantsOf(identity.subject, await readAccessRows(database, identity)));
}

function access(subject: string, grants: readonly Grant[]): Access {
  const holds = (permission: string, name: string): boolean => grants.some((grant) => gives(grant, permission, name));
  const namesFor = (permission: string): string[] => {
    const names = new Set(grants.filter((grant) => covers(grant.permission, permission)).map((grant) => grant.names));
    return names.has('*') ? ['*'] : [...names];
  };
  return {
    holds,
    namesFor,
    require(permission, name) {
      if (!holds(permission, name)) throw missingPermission(permission);
    },
    explain(permission, name) {
      const decisive = grants.find((grant) =>
        name === undefined ? covers(grant.permission, permission) && grant.names === '*' : gives(grant, permission, name),
      );
      if (decisive !== undefined) return { allowed: true, reason: decisive.source };
      const elsewhere = namesFor(permission).map((names) => `"${names}"`);
      const reason =
        elsewhere.length === 0
          ? `no binding gives it to ${subject} or their groups`
          : `it is only held for names matching ${elsewhere.join(' or ')}`;
      return { allowed: false, reason };
    },
  };
}
