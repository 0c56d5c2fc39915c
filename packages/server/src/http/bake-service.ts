import type { ServiceImpl } from '@connectrpc/connect';
import type { MurmurService } from '@murmur/api';

import { requirePermission } from '../access/permissions.js';
import type { Bakery } from '../bake/index.js';
import { identityOf } from './identity.js';

type BakeCalls = 'startBake' | 'listBakes' | 'getBake' | 'cancelBake' | 'streamBakeLog' | 'tryImage' | 'exportImage';

/** The calls about bakes and about machines made from images. */
export function bakeService(bakery: Bakery): Pick<ServiceImpl<typeof MurmurService>, BakeCalls> {
  return {
    startBake(request, context) {
      const identity = identityOf(context);
      requirePermission(identity, 'recipe.edit');
      return bakery.start(identity, request);
    },
    listBakes(request, context) {
      const identity = identityOf(context);
      requirePermission(identity, 'recipe.list');
      return bakery.list(identity, request);
    },
    getBake(request, context) {
      const identity = identityOf(context);
      requirePermission(identity, 'recipe.read');
      return bakery.get(identity, request);
    },
    cancelBake(request, context) {
      const identity = identityOf(context);
      requirePermission(identity, 'recipe.edit');
      return bakery.cancel(identity, request);
    },
    async *streamBakeLog(request, context) {
      const identity = identityOf(context);
      requirePermission(identity, 'recipe.read');
      yield* bakery.streamLog(identity, request, context.signal);
    },
    async *tryImage(request, context) {
      const identity = identityOf(context);
      requirePermission(identity, 'image.read');
      requirePermission(identity, 'recipe.edit');
      yield* bakery.tryImage(identity, request, context.signal);
    },
    async *exportImage(request, context) {
      const identity = identityOf(context);
      requirePermission(identity, 'image.read');
      yield* bakery.exportImage(identity, request, context.signal);
    },
  };
}
