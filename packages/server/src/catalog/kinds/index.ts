import { MurmurError } from '@murmur/api';

import type { Kind } from '../kind.js';
import { diskType } from './disk-type/disk-type.js';
import { environment } from './environment/environment.js';
import { group } from './group/group.js';
import { image } from './image/image.js';
import { machineType } from './machine-type/machine-type.js';
import { placement } from './placement/placement.js';
import { recipe } from './recipe/recipe.js';
import { role } from './role/role.js';
import { secret } from './secret/secret.js';
import { serviceProfile } from './service-profile/service-profile.js';
import { tenantBinding } from './tenant-binding/tenant-binding.js';
import { workspace } from './workspace/workspace.js';

/** Every kind of resource, in the order in which they are described. */
export const kinds: readonly Kind[] = [
  recipe,
  image,
  environment,
  placement,
  machineType,
  diskType,
  workspace,
  secret,
  serviceProfile,
  role,
  group,
  tenantBinding,
];

/** The kind of this name. Throws INVALID_ARGUMENT and lists the kinds when there is none. */
export function kindNamed(name: string): Kind {
  const kind = kinds.find((candidate) => candidate.name === name);
  if (kind !== undefined) return kind;
  throw new MurmurError('INVALID_ARGUMENT', `unknown kind "${name}"`, {
    hint: `The kinds are ${kinds.map((candidate) => candidate.name).join(', ')}.`,
  });
}
