import type { ServiceImpl } from '@connectrpc/connect';
import type { MurmurService } from '@murmur/api';

import { type BaseBuildParts, createBaseBuilds } from '../bake/bases/build.js';
import { identityOf } from './caller.js';

/** The operator's call that builds platform bases. */
export function baseService(parts: BaseBuildParts): Pick<ServiceImpl<typeof MurmurService>, 'buildBase'> {
  const buildBase = createBaseBuilds(parts);
  return { buildBase: (request, context) => buildBase(identityOf(context), request, context.signal) };
}
