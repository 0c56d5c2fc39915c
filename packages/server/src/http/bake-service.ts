import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { MurmurService } from '@murmur/api';

import type { Bakery, PermittedCaller } from '../bake/index.js';
import { accessOfCall, identityOf } from './caller.js';

type BakeCalls =
  | 'startBake'
  | 'listBakes'
  | 'getBake'
  | 'cancelBake'
  | 'streamBakeLog'
  | 'watchBakes'
  | 'getBakeStatistics'
  | 'tryImage'
  | 'exportImage'
  | 'checkPlacement'
  | 'findBases'
  | 'listHosts'
  | 'retireHost';

/** The calls about bakes, about machines made from images, and about the hosts of both. */
export function bakeService(bakery: Bakery): Pick<ServiceImpl<typeof MurmurService>, BakeCalls> {
  const caller = (context: HandlerContext): PermittedCaller => ({ ...identityOf(context), permits: accessOfCall(context) });
  return {
    startBake: (request, context) => bakery.start(caller(context), request, context.signal),
    listBakes: (request, context) => bakery.list(identityOf(context), request, accessOfCall(context).namesFor('recipe.list')),
    getBake: (request, context) => bakery.get(identityOf(context), request),
    cancelBake: (request, context) => bakery.cancel(identityOf(context), request),
    streamBakeLog: (request, context) => bakery.streamLog(identityOf(context), request, context.signal),
    watchBakes: (request, context) =>
      bakery.watch(identityOf(context), request, accessOfCall(context).namesFor('recipe.list'), context.signal),
    getBakeStatistics: (request, context) => bakery.statistics(identityOf(context), request, accessOfCall(context).namesFor('recipe.list')),
    tryImage: (request, context) => bakery.tryImage(caller(context), request, context.signal),
    exportImage: (request, context) => bakery.exportImage(caller(context), request, context.signal),
    findBases: (request, context) => bakery.findBases(caller(context), request, context.signal),
    checkPlacement: (request, context) => bakery.checkPlacement(caller(context), request, context.signal),
    listHosts: () => bakery.listHosts(),
    retireHost: (request) => bakery.retireHost(request),
  };
}
