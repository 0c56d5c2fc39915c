import { create } from '@bufbuild/protobuf';
import { type Role, RoleSchema, kindNames } from '@murmur/api';

/** What members change themselves: all that a bake and a workspace take, and nothing that says who may do what. */
const memberKinds = ['recipe', 'image', 'environment', 'placement', 'workspace', 'secret'];

/** Of the catalog alone: keys and the audit log are the admins'. */
const readTheCatalog = kindNames.flatMap((kind) => [`${kind}.read`, `${kind}.list`]);

/** The roles every tenant finds ready to be bound. */
export const roles: readonly Role[] = [
  role('murmur-admin', 'May do everything in the tenant', ['*']),
  role('murmur-member', 'Bakes images, changes what bakes and workspaces need, and reads the catalog', [
    ...readTheCatalog,
    ...memberKinds.flatMap((kind) => [`${kind}.create`, `${kind}.edit`, `${kind}.delete`]),
    // To bake with them, which is not to read them.
    'secret.assume',
  ]),
  role('murmur-viewer', 'Reads the catalog', readTheCatalog),
];

function role(name: string, description: string, permissions: readonly string[]): Role {
  return create(RoleSchema, { name, description, permissions: [...permissions] });
}
