import { create } from '@bufbuild/protobuf';
import { type CheckPermissionsRequest, MurmurError, type PermissionCheck, PermissionCheckSchema } from '@murmur/api';

import { permissionNouns, permissionVerbs } from '../catalog/permissions/permission-names.js';
import type { Access } from './access.js';

/** Which of these permissions are held, and through what, in the order asked. Throws INVALID_ARGUMENT for what is no permission. */
export function checkPermissions(
  access: Access,
  { permissions, resource }: Pick<CheckPermissionsRequest, 'permissions' | 'resource'>,
): { checks: PermissionCheck[] } {
  if (permissions.length === 0) throw invalid('permissions is required', 'Name at least one, such as recipe.edit.');
  const about = resource === '' ? undefined : readResource(resource);
  const checks = permissions.map((permission) => {
    checkWord(permission);
    if (about !== undefined && !permission.startsWith(`${about.kind}.`)) {
      throw invalid(
        `permission "${permission}" does not apply to kind ${about.kind}`,
        `Ask about ${about.kind} permissions, or name no resource.`,
      );
    }
    return create(PermissionCheckSchema, { permission, ...access.explain(permission, about?.name) });
  });
  return { checks };
}

function readResource(resource: string): { kind: string; name: string } {
  const [, kind = '', name = ''] = /^([^/]*)\/(.+)$/s.exec(resource) ?? [];
  if (name === '') throw invalid(`resource "${resource}" is not kind/name`, 'Write it like recipe/my-recipe.');
  if (!permissionNouns.includes(kind)) throw invalid(`unknown kind "${kind}"`, `Permissions are about: ${permissionNouns.join(', ')}.`);
  return { kind, name };
}

function checkWord(permission: string): void {
  const [kind = '', verb = '', ...rest] = permission.split('.');
  if (rest.length === 0 && permissionNouns.includes(kind) && permissionVerbs.some((known) => known === verb)) return;
  const hint = `Write {kind}.{verb}. Kinds: ${permissionNouns.join(', ')}. Verbs: ${permissionVerbs.join(', ')}.`;
  throw invalid(`unknown permission "${permission}"`, hint);
}

function invalid(message: string, hint: string): MurmurError {
  return new MurmurError('INVALID_ARGUMENT', message, { hint });
}
