import type { Access } from '../access/access.js';
import { missingPermission } from '../access/denials.js';

/** A permission that a call needs of its caller. */
export interface Need {
  /** Any one of these will do; the first is the one a caller without them is told of. */
  readonly anyOf: readonly [string, ...string[]];
  /** For the resource of this name, for at least one name, or for all. */
  readonly of: { readonly name: string } | 'some name' | 'every name';
}

/** Throws PERMISSION_DENIED for the first need that the caller's access does not meet. */
export function requireNeeds(access: Access, needs: readonly Need[]): void {
  for (const { anyOf, of } of needs) {
    if (!anyOf.some((permission) => meets(access, permission, of))) throw missingPermission(anyOf[0]);
  }
}

function meets(access: Access, permission: string, of: Need['of']): boolean {
  if (of === 'some name') return access.namesFor(permission).length > 0;
  return of === 'every name' ? access.namesFor(permission).includes('*') : access.holds(permission, of.name);
}
