import { kindNames } from '@murmur/api';

/** What permissions are about: every kind of the catalog, and what is no resource. */
export const permissionNouns: readonly string[] = [...kindNames, 'api-key', 'audit', 'metrics'];

/** What can be done to it. */
export const permissionVerbs = ['read', 'list', 'create', 'edit', 'delete', 'assume'] as const;

/** A verb as permissions name it. */
export type PermissionVerb = (typeof permissionVerbs)[number];

const patterns: ReadonlySet<string> = new Set([
  '*',
  ...permissionNouns.map((noun) => `${noun}.*`),
  ...permissionVerbs.map((verb) => `*.${verb}`),
  ...permissionNouns.flatMap((noun) => permissionVerbs.map((verb) => `${noun}.${verb}`)),
]);

/** Whether a role or binding may hold this: a permission `{noun}.{verb}`, `{noun}.*`, `*.{verb}`, or `*` for all. */
export function isPermissionPattern(text: string): boolean {
  return patterns.has(text);
}
