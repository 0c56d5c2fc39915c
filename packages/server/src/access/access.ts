import type { Permits } from '../catalog/context.js';
import type { Queryable } from '../database/tables.js';
import { unauthenticated } from './authenticate.js';
import { missingPermission } from './denials.js';
import { type Grant, covers, gives, grantsOf } from './grants.js';
import type { Identity, Maker } from './identity.js';
import { intersectPatterns } from './name-pattern.js';
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

/** What access is told from. */
export interface AccessParts {
  readonly database: Queryable;
  /** The tenants beside `local/…` ones that the operator lets use the server's own host. */
  readonly localTenants: readonly string[];
}

type Held = Omit<Access, 'usesHost'>;

/**
 * What the identity may do, as roles, groups and bindings say now, and with a key that others made no more than they may. It is asked
 * anew for every call, by one query for each, so that what is taken away is gone from the next call on. An operator may do everything
 * in its tenant, and no query is made. Throws UNAUTHENTICATED once a maker of the key holds nothing in the tenant.
 */
export async function accessOf({ database, localTenants }: AccessParts, identity: Identity): Promise<Access> {
  const { tenant, makers = [] } = identity;
  const usesHost = tenant.startsWith('local/') || localTenants.includes(tenant);
  const own = access(identity.subject, await holdingsOf(database, tenant, identity));
  if (makers.length === 0) return { ...own, usesHost };
  const theirs: Held[] = [];
  for (const maker of makers) {
    const holdings = await holdingsOf(database, tenant, maker);
    // Nothing makes them a member of the tenant any more.
    if (holdings.length === 0) throw unauthenticated();
    theirs.push(access(maker.subject, holdings));
  }
  return { ...inCommon(own, theirs), usesHost };
}

async function holdingsOf(database: Queryable, tenant: string, { subject, operator }: Maker): Promise<Grant[]> {
  if (operator) return [{ permission: '*', names: '*', source: `${subject} is an operator of this server` }];
  return grantsOf(subject, await readAccessRows(database, { tenant, subject }));
}

/** What the holder of a key may do as far as each of those who made it may. */
function inCommon(own: Held, makers: readonly Held[]): Held {
  const all = [own, ...makers];
  const holds = (permission: string, name: string): boolean => all.every((one) => one.holds(permission, name));
  return {
    holds,
    namesFor: (permission) =>
      makers.reduce<readonly string[]>(
        (names, maker) =>
          narrowed(names.flatMap((pattern) => maker.namesFor(permission).flatMap((other) => intersectPatterns(pattern, other)))),
        own.namesFor(permission),
      ),
    require(permission, name) {
      if (!holds(permission, name)) throw missingPermission(permission);
    },
    explain(permission, name) {
      const explanation = own.explain(permission, name);
      const lacking = makers.map((maker) => maker.explain(permission, name)).find(({ allowed }) => !allowed);
      if (!explanation.allowed || lacking === undefined) return explanation;
      return { allowed: false, reason: `the maker of this key does not hold it: ${lacking.reason}` };
    },
  };
}

function narrowed(names: readonly string[]): string[] {
  return names.includes('*') ? ['*'] : [...new Set(names)];
}

function access(subject: string, grants: readonly Grant[]): Held {
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
