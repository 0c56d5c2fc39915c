import { create } from '@bufbuild/protobuf';
import { type CheckPermissionsRequest, type PermissionCheck, PermissionCheckSchema, refusal } from '@murmur/api';

import { permissionNouns, permissionVerbs } from '../catalog/permissions/permission-names.js';
import type { Access } from './access.js';
import { accessErrors } from './errors.js';

/** Which of these permissions are held, and through what, in the order asked. Throws INVALID_ARGUMENT for what is no permission. */
export function checkPermissions(
  access: Access,
  { permissions, resource }: Pick<CheckPermissionsRequest, 'permissions' | 'resource'>,
): { checks: PermissionCheck[] } {
  if (permissions.length === 0) throw refusal(accessErrors.permissionsRequired, []);
  const about = resource === '' ? undefined : readResource(resource);
  const checks = permissions.map((permission) => {
    checkWord(permission);
    if (about !== undefined && !permission.startsWith(`${about.kind}.`)) {
      throw refusal(accessErrors.permissionElsewhere, [permission, about.kind]);
    }
    return create(PermissionCheckSchema, { permission, ...access.explain(permission, about?.name) });
  });
  return { checks };
}

function readResource(resource: string): { kind: string; name: string } {
  const [, kind = '', name = ''] = /^([^/]*)\/(.+)$/s.exec(resource) ?? [];
  if (name === '') throw refusal(accessErrors.resourceInvalid, [resource]);
  if (!permissionNouns.includes(kind)) throw refusal(accessErrors.kindUnknown, [kind]);
  return { kind, name };
}

function checkWord(permission: string): void {
  const [kind = '', verb = '', ...rest] = permission.split('.');
  if (rest.length === 0 && permissionNouns.includes(kind) && permissionVerbs.some((known) => known === verb)) return;
  throw refusal(accessErrors.permissionUnknown, [permission]);
}
